"""The words of a report, each in a sentence or two, for somebody who hasn't read the paper."""

from collections.abc import Sequence
from typing import Final

from raymeta.annotation.cost_models import CostModel

WORDS: Final = {
    "pool, P": "All images that may be labelled. Costs are shares of what labelling all of them would cost.",
    "L0": "The few images that are wholly labelled before the first iteration.",
    "meta set, M": "Images that are labelled only to fit the meta regressor. No network is trained on them, and they "
    "count in the costs.",
    "iteration": "One round: train, fit the meta regressor, score the pool, choose a query, ask for its labels. They "
    "count from 0.",
    "box, query": "A box is a square part of an image. What is asked for in one iteration, boxes, points, segments or "
    "superpixels, is its query.",
    "point": "With acquisition.unit: point the pixel in the middle of a box is asked for in place of it: its class, "
    "for one click.",
    "segment, one-click": "With acquisition.unit: segment the part of a predicted segment in a tile is shown, and "
    "answered by one click: its class is right, is another one, or the part is mixed.",
    "superpixel": "With acquisition.unit: superpixel the part is one of an image's superpixels, regions of about one "
    "colour, and the class that is confirmed is the one that the network sees in most of its pixels.",
    "oracle": "Who answers a query with labels. Here it is the data set's ground truth, unless people label.",
    "mIoU": "Intersection over union of predicted and true pixels, averaged over the classes: how good a network is.",
    "full set, target": "A network trained on the whole pool, and 95 % of its mIoU: what counts as reached.",
    "priority map": "A number for each pixel; the higher, the sooner it should be labelled. Its sums over boxes are "
    "the aggregated map.",
    "joint score": "The number by which boxes are ranked: the product of what each priority of the strategy gives.",
    "MetaSeg, meta regressor": "Tells good predicted segments from bad ones: it predicts the IoU of each segment "
    "without knowing the truth.",
    "R²": "How well the meta regressor predicts: 1 is perfect, 0 is no better than always the mean. It is measured out "
    "of fold, by image.",
    "labelled share": "Pixels that are labelled, in percent of the pool's; a pixel in two boxes counts once.",
    "mean mIoU": "The area under the curve of mIoU over cost, divided by the width of the range that all runs cover.",
    "95 % interval": "Student's t over the seeds. It holds the true mean in 95 of 100 such studies, where seeds "
    "scatter normally.",
    "p, Holm": "How often chance alone would give such a difference (sign-flip permutation test, two-sided), corrected "
    "by Holm's method where several are compared. With n seeds it can't fall below 2^(1−n).",
    "estimated clicks": "Polygon vertices of the prediction inside a box, counted before anybody labels it. How well "
    "they agree with the true clicks is told above.",
}

MORE_WORDS: Final = {
    "strategy": "The rule that says what is worth asking for, such as superpixels or metabox_plus.",
    "run": "One experiment with one strategy and one seed, and the folder that holds all of it.",
    "seed": "A number that fixes everything random. An experiment with another seed is another repetition.",
    "validation": "Images that measure how good the network is. They don't belong to the pool.",
    "void": "Pixels without a class that counts: never learnt, never judged.",
    "segment": "A connected region of one predicted class.",
    "softmax": "The network's answer: for each pixel, a probability for each class.",
    "entropy": "How undecided the network is at a pixel: 0 means sure, 1 that all classes are equally likely.",
    "aggregated map": "The sums of a priority map over all boxes of an image.",
    "candidate": "A box with its joint score that may get into the query.",
    "clicks": "The unit of cost: mouse clicks of somebody who draws polygons, or one key for a point or a part.",
    "true clicks": "Clicks counted on the labels. Strategies that end in _star rank by them, as an upper bound.",
    "task": "What one person is asked at a time: a whole image, a box, a point, a segment or a superpixel.",
    "set": "Tasks that are handed out together: initial, meta, validation, or the query of an iteration.",
    "undecidable": "An answer that says that nobody can tell the classes; nothing is learnt from it.",
}
"""Words of the commands and of the page that a report doesn't use."""


def glossary(costs: Sequence[CostModel]) -> list[tuple[str, str]]:
    """Words and their meanings: the costs that the report shows, then the rest."""
    return [*((model.label, model.definition) for model in costs), *WORDS.items()]

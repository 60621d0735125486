"""The worked examples from the section "Annotation cost" to the end, computed."""

import re

import numpy as np
from method_page import PAGE, grid, mark, number, side_by_side

from raymeta.annotation.clicks import AnnotatedScene, count_clicks
from raymeta.annotation.cost_models import COST_MODELS, COST_P, PAPER_COSTS
from raymeta.annotation.costs import CostLedger
from raymeta.annotation.events import Events
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.config import TrainingConfig
from raymeta.networks.evaluation import iou_per_class, mean_iou
from raymeta.report.cost_at_target import TARGET_SHARE, cost_at_target, interpolated_cost
from raymeta.training.optimization import learning_rate

ROAD = (0, [(0, 3), (3.6, 3), (7, 3), (7, 7), (0, 7)])
CAR = (1, [(2, 2), (5, 2), (5, 5), (2, 5)])
SCENE = AnnotatedScene(8, 8, 2, [ROAD, CAR])
POOL_IMAGES = 2975
START_IMAGES = 50
META_IMAGES = 30


def visible_vertices():
    titles = ["label map", "visible vertices"]
    assert len(SCENE.visible_vertices) == SCENE.vertex_map().sum() == 8
    return [side_by_side(titles, [grid(SCENE.label_map), grid(SCENE.vertex_map(), mark)])]


def box_clicks():
    boxes = [Box(1, 1, 4), Box(3, 4, 4)]
    names = [f"Box({box.top}, {box.left}, {box.width})" for box in boxes]
    lines = []
    for name, box in zip(names, boxes, strict=True):
        counts = zip(("c_p", "c_i", "c_b", "c_c"), count_clicks(SCENE, box), strict=True)
        lines.append("   ".join([name, *(f"{kind} = {count}" for kind, count in counts)]))
    maps = side_by_side(names, [grid(SCENE.label_map[box.slices]) for box in boxes])
    return ["\n".join([maps, "", *lines])]


def whole_images():
    clicks = SCENE.whole_image()
    assert clicks.intersection == clicks.box == 0
    return [f"c_p = {clicks.polygon}   c_c = {clicks.class_}"]


def labelled_share():
    images = {
        "a  (L0)": Events(polygon=12, class_=3, pixels=64),
        "b  (M)": Events(polygon=10, class_=2, pixels=64),
        "c": Events(polygon=20, class_=4, pixels=64),
        "d": Events(polygon=18, class_=3, pixels=64),
    }
    initial, meta, *_ = images.values()
    pool = sum(images.values(), Events())
    query = Events(4, 3, 4, 2, pixels=16, boxes=1) + Events(3, 2, 4, 2, pixels=16, boxes=1)
    ledger = CostLedger(pool, initial, query, meta)
    lines = ["          c_p  c_i  c_b  c_c  pixels"]
    for name, sums in {**images, "P": pool}.items():
        lines.append(f"{name:<10}{sums.polygon:>3}{sums.class_:>15}{sums.pixels:>8}")
    lines.append(f"{'Q':<10}{query.polygon:>3}{query.intersection:>5}{query.box:>5}{query.class_:>5}{query.pixels:>8}")
    whole = initial + meta
    formulas = [
        f"({whole.polygon} + {whole.class_} + {query.polygon} + {query.intersection} + {query.class_})"
        f" / ({pool.polygon} + {pool.class_})",
        f"({whole.polygon} + {query.polygon} + {query.intersection} + {query.box}) / {pool.polygon}",
        f"({whole.pixels} + {query.pixels}) / {pool.pixels}",
    ]
    lines += ["", f"{'':<11}{'with M':<51}without M"]
    for name, formula in zip(PAPER_COSTS, formulas, strict=True):
        cost = ledger.cost(COST_MODELS[name])
        shown = f"{formula:<35}= {cost.value:.2f} %"
        lines.append(f"{COST_MODELS[name].label:<11}{shown:<51}{cost.without_meta:.2f} %")
    regions = LabelledRegions(boxes={"c": (Box(0, 0, 4), Box(2, 0, 4))})
    union = regions.labelled_pixels("c", 8, 8)
    share = ledger.labelled_share(initial.pixels + union)
    lines += ["", f"labelled share   ({initial.pixels} + {union}) / {pool.pixels} = {share:.2f} %"]
    return ["\n".join(lines)]


def cost_at_target_example():
    costs = [np.array([10.0, 20, 30]), np.array([10.0, 22, 30])]
    mious = [np.array([0.40, 0.54, 0.60]), np.array([0.42, 0.50, 0.58])]
    target = TARGET_SHARE * 0.60
    result = cost_at_target(costs, mious, target)
    lines = [f"{'':<11}{'cost (%)':<17}mIoU (%)"]
    rows = {"seed 0": (costs[0], mious[0]), "seed 1": (costs[1], mious[1])}
    rows["mean"] = (np.mean(costs, axis=0), np.mean(mious, axis=0))
    for name, (cost, miou) in rows.items():
        shown = "   ".join(number(c) for c in cost)
        lines.append(f"{name:<11}{shown:<17}{'   '.join(number(100 * m) for m in miou)}")
    lines += ["", f"mean curve   iteration {result.iteration}, cost {result.cost:.2f} %"]
    for seed, (cost, miou) in enumerate(zip(costs, mious, strict=True)):
        after = int(np.flatnonzero(miou >= target)[0])
        (c, d), (m, n) = cost[after - 1 : after + 1], 100 * miou[after - 1 : after + 1]
        share = f"({number(100 * target)} - {number(m)}) / ({number(n)} - {number(m)})"
        value = interpolated_cost(cost, miou, target)
        lines.append(f"seed {seed}       {number(c)} + {share} · ({number(d)} - {number(c)}) = {value:.2f} %")
    lines.append(f"seeds        {result.seed_mean:.2f} ± {result.seed_std:.2f} %")
    return ["\n".join(lines)]


def poly_learning_rate():
    config = TrainingConfig(schedule="poly", learning_rate=0.001)
    steps = [0, 75_000, 150_000]
    rates = [learning_rate(config, step) for step in steps]
    return [side_by_side(["step", *map(number, steps)], [["rate"], *([number(rate, 6)] for rate in rates)])]


def miou():
    confusion = np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]])
    shown = []
    for index, value in enumerate(iou_per_class(confusion)):
        union = confusion[index].sum() + confusion[:, index].sum() - confusion[index, index]
        shown.append("none" if np.isnan(value) else f"{confusion[index, index]} / {union} = {number(value)}")
    block = side_by_side(["confusion", "IoU"], [grid(confusion), shown])
    return [f"{block}\n\nmIoU        {number(mean_iou(confusion))}"]


def published_rows():
    """Method, and cost_P of FCN8 and DeepLabv3+ in percent, from the table of the page."""
    section = PAGE.read_text().split("### Published costs")[1]
    rows = re.findall(r"^\| (\S+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    return [(name, *(float(figures.split(" / ")[2]) for figures in both)) for name, *both in rows if "/" in both[0]]


def published_costs():
    lines = [f"{'':<15}{'FCN8':<35}DeepLabv3+"]
    for name, *published in published_rows():
        meta = META_IMAGES if name.startswith("MetaBox") else 0
        parts = []
        for cost_p in published:
            k = round((cost_p / 100 * POOL_IMAGES - meta) / START_IMAGES)
            images = START_IMAGES * k + meta
            pool, start = Events(polygon=1, pixels=POOL_IMAGES), Events(pixels=images)
            value = CostLedger(pool, start).cost(COST_P).value
            assert abs(value - cost_p) < 0.006  # one figure of the paper is cut off instead of rounded
            inner = f"{START_IMAGES} · {k:>2} + {meta}" if meta else f"{START_IMAGES} · {k:>2}     "
            parts.append(f"({inner}) / {POOL_IMAGES} = {value:>5.2f} %")
        lines.append(f"{name:<15}{parts[0]:<35}{parts[1]}")
    return ["\n".join(lines)]


EXAMPLES = {
    "Visible vertices": visible_vertices,
    "Box clicks": box_clicks,
    "Whole images": whole_images,
    "Labelled share": labelled_share,
    "Cost at target": cost_at_target_example,
    "Poly learning rate": poly_learning_rate,
    "mIoU": miou,
    "Published costs": published_costs,
}

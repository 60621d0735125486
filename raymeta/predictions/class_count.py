"""How many classes predictions have: what most of the files say, so that an odd one is left out and decides nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from raymeta.predictions.prediction_files import PredictionError, PredictionFiles
from raymeta.runs.split import clicks_sample

MAX_FILES: Final = 1000
"""Files whose headers are looked at; of more a random sample, where a number that 45 in 100 have hardly ever wins."""
_HEADERS_AT_A_TIME: Final = 16


def class_count(files: PredictionFiles, key: str, seed: int) -> int | None:
    """The number of classes that most files have; what can't be read has no say.

    Args:
        files: of which only headers are read.
        key: that names their folder, for messages.
        seed: of the sample.

    Returns:
        The number of classes; None where no file can be read.

    Raises:
        PredictionError: two numbers are equally frequent.
        RemoteStorageError: the storage doesn't answer.
    """
    ids = sorted(clicks_sample(files.image_ids, seed, MAX_FILES), key=str.encode)
    having = dict[int, list[str]]()
    with ThreadPoolExecutor(_HEADERS_AT_A_TIME, "headers") as threads:
        for image_id, classes in zip(ids, threads.map(files.classes, ids), strict=True):
            if classes is not None:
                having.setdefault(classes, []).append(image_id)
    ranked = sorted(having, key=lambda classes: (-len(having[classes]), classes))
    if len(ranked) > 1 and len(having[ranked[0]]) == len(having[ranked[1]]):
        told = " and ".join(
            f"{classes} classes ({len(having[classes])} files, as {having[classes][0]})" for classes in ranked[:2]
        )
        raise PredictionError(
            f"{key} {files.folder}: the predictions have {told}: predict those of one kind anew, or move them away"
        )
    return ranked[0] if ranked else None

"""From the labels of a file to the classes of the run: exact names, a stated mapping, else the nearest name."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping

from raymeta.datasets.cityscapes_labels import FRAME_LABELS, label_of
from raymeta.datasets.sample import IGNORED
from raymeta.exchange.drawn_pictures import VOID_LABELS
from raymeta.exchange.errors import ExchangeError, shown
from raymeta.exchange.manifest import Manifest


def parse_class_map(lines: Iterable[str]) -> dict[str, str]:
    """Pairs from lines like `Car =car`: the label of the file, and the class or `void`; blanks count.

    Raises:
        ExchangeError: a line without `=`, or a label that stands twice with two classes.
    """
    pairs: dict[str, str] = {}
    for line in lines:
        label, equals, name = line.rpartition("=")
        if not equals or not name:
            raise ExchangeError(f"--map {shown(line)}: write LABEL=CLASS, as in 'Car =car' or truck=void")
        if pairs.setdefault(label, name) != name:
            raise ExchangeError(f"--map: {shown(label)} stands for {shown(pairs[label])} and for {shown(name)}")
    return pairs


class ClassNames:
    """Class ids by the labels of files.

    Args:
        manifest: its classes.
        class_map: label → class name or `void`.

    Raises:
        ExchangeError: a mapping to a class that the run doesn't have.
    """

    def __init__(self, manifest: Manifest, class_map: Mapping[str, str]) -> None:
        self.ids = {each.name: each.id for each in manifest.classes}
        self.names = {each.id: each.name for each in manifest.classes}
        void = {name: IGNORED for name in VOID_LABELS if name not in self.ids}
        self._known = void | self.ids
        for label, name in class_map.items():
            if not isinstance(label, str) or not isinstance(name, str):
                raise ExchangeError(f"class map {shown(label)}={shown(name)}: give names")
            if name not in self._known:
                raise ExchangeError(f"--map {shown(f'{label}={name}')}: no class {shown(name)}: {self._advice(name)}")
        self._known |= {label: self._known[name] for label, name in class_map.items()}

    def class_id(self, label: str, *, cityscapes: bool = False) -> int | None:
        """Class id of a label, 255 for void, None if it is unknown.

        Args:
            label: as the file has it.
            cityscapes: whether Cityscapes' own labels are known too: groups, and labels that aren't evaluated.
        """
        found = self._known.get(label)
        if found is None and cityscapes:
            found = self._known.get(label.removesuffix("group"))
            own = label_of(label)
            if found is None and own is not None:
                found = self._known.get(own.name, IGNORED if own.train_id == IGNORED else None)
        return found

    def is_frame(self, label: str) -> bool:
        """Whether this label of Cityscapes describes the frame of the image, and isn't painted."""
        return label in FRAME_LABELS and label not in self._known

    def unknown_labels(self, labels: Counter[str]) -> str:
        """One message about all unknown labels of a picture, with the number of shapes of each."""
        known = ", ".join(self.names.values()) if len(self.names) <= 20 else f"{len(self.names)} classes"
        parts = []
        for label, count in sorted(labels.items()):
            shapes = "1 shape is" if count == 1 else f"{count} shapes are"
            parts.append(f"{shapes} labelled {shown(label)}, no class of the run: {self._advice(label)}")
        return f"{'; '.join(parts)} (classes: {known})"

    def _advice(self, label: str) -> str:
        wanted = " ".join(label.lower().split())
        near = [name for name in self.ids if " ".join(name.lower().split()) == wanted]
        near = near or difflib.get_close_matches(wanted[:100], list(self.ids), n=1, cutoff=0.6)
        if near:
            return f"nearest is {shown(near[0])}; rename it, or --map {shown(f'{label}={near[0]}')}"
        return f"rename it, or --map {shown(f'{label}=void')}"

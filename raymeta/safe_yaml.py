"""YAML from outside: plain values only, of a bounded size, each key once."""

from typing import Any, Final

import yaml

from raymeta.errors import InputError

MAX_CHARACTERS: Final = 1 << 20
MAX_BYTES: Final = 4 * MAX_CHARACTERS
"""What is read of a file: no character takes more than 4 bytes."""
MAX_VALUES: Final = 10_000
"""Values of a file with every alias written out: a few lines of nested aliases stand for billions."""

MERGE: Final = "tag:yaml.org,2002:merge"
"""Tag of the key `<<`."""


class YamlError(InputError):
    """Text that is no YAML, or more than a config needs."""


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._flattened: set[yaml.Node] = set()
        self._merged = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put the keys of `<<: *other` into the node, as PyYAML does, but count them: merges of merges multiply."""
        if node in self._flattened:
            return
        self._flattened.add(node)  # first, so that a mapping that merges itself ends
        _check_once(node)
        own = [(key, value) for key, value in node.value if key.tag != MERGE]
        merged: list[tuple[yaml.Node, yaml.Node]] = []
        for source in _merge_sources(node):
            self.flatten_mapping(source)
            self._merged += 1 + len(source.value)
            if self._merged > MAX_VALUES:
                raise YamlError(f"more than {MAX_VALUES} values merged by '<<': write them out, or remove some")
            merged += source.value
        node.value = merged + own
        super().flatten_mapping(node)


def _check_once(node: yaml.MappingNode) -> None:
    """Raise YamlError where a key stands twice."""
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        name = (key.tag, str(key.value))
        if name in seen and isinstance(key, yaml.ScalarNode):
            raise YamlError(f"line {key.start_mark.line + 1}: key {key.value!r} stands more than once; remove one")
        seen.add(name)


def _merge_sources(node: yaml.MappingNode) -> list[yaml.MappingNode]:
    """The mappings that `<<` names, the one that wins last."""
    sources: list[yaml.MappingNode] = []
    for key, value in node.value:
        if key.tag != MERGE:
            continue
        named = value.value[::-1] if isinstance(value, yaml.SequenceNode) else [value]
        if not all(isinstance(source, yaml.MappingNode) for source in named):
            line = key.start_mark.line + 1
            raise YamlError(f"line {line}: '<<' merges mappings alone: give *name, or a list of such")
        sources += named
    return sources


def load_yaml(text: str) -> Any:
    """Plain values of a YAML text.

    Raises:
        YamlError: no YAML, tags that stand for code, keys that stand twice, or too much of it.
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlError(f"{len(text)} characters: at most {MAX_CHARACTERS} are read")
    try:
        # A subclass of SafeLoader: it builds plain values and runs no code.
        values = yaml.load(text, Loader=_Loader)
    except YamlError:
        raise
    except RecursionError:
        raise YamlError("nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, AttributeError) as error:
        # Beside its own errors PyYAML lets through those of dates, numbers and keys that can't be.
        raise YamlError(str(error)) from error
    _check_amount(values)
    return values


def _check_amount(values: Any) -> None:
    """Count every value, shared ones as often as they stand; stops at the limit, so cycles end too."""
    waiting, count = [values], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MAX_VALUES:
            raise YamlError(f"more than {MAX_VALUES} values, with aliases written out: remove what isn't needed")
        if isinstance(value, dict):
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple, set)):
            waiting.extend(value)

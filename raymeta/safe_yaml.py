"""YAML from outside: plain values only, of a bounded size, each key once."""

from typing import Any, Final

import yaml

from raymeta.errors import InputError

MAX_CHARACTERS: Final = 1 << 20
MAX_BYTES: Final = 4 * MAX_CHARACTERS
"""What is read of a file: no character takes more than 4 bytes."""
MAX_VALUES: Final = 10_000
"""Values of a text."""


class YamlError(InputError):
    """Text that is no YAML, or more than a config needs."""


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases: a few lines of nested ones stand for billions of values, and merges of merges multiply."""
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()
            line = event.start_mark.line + 1
            raise YamlError(f"line {line}: alias '*{event.anchor}': write the values out, aliases are not read")
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.MappingNode):
            _check_once(node)
        return node


def _check_once(node: yaml.MappingNode) -> None:
    """Raise YamlError where a key stands twice."""
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        name = (key.tag, str(key.value))
        if name in seen and isinstance(key, yaml.ScalarNode):
            raise YamlError(f"line {key.start_mark.line + 1}: key {key.value!r} appears more than once; remove one")
        seen.add(name)


def load_yaml(text: str) -> Any:
    """Plain values of a YAML text.

    Raises:
        YamlError: no YAML, tags that stand for code, aliases, keys that stand twice, or too much of it.
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
    waiting, count = [values], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MAX_VALUES:
            raise YamlError(f"more than {MAX_VALUES} values: remove what isn't needed")
        if isinstance(value, dict):
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple, set)):
            waiting.extend(value)

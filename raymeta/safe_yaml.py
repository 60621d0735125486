"""YAML from outside: plain values only, of a bounded size, each key once."""

from typing import Any, Final

import yaml

MAX_CHARACTERS: Final = 1 << 20
MAX_BYTES: Final = 4 * MAX_CHARACTERS
"""What is read of a file: no character takes more than 4 bytes."""
MAX_VALUES: Final = 10_000
"""Values of a file with every alias written out: a few lines of nested aliases stand for billions."""


class YamlError(ValueError):
    """Text that is no YAML, or more than a config needs."""


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            name = (key.tag, str(key.value))
            if name in seen and isinstance(key, yaml.ScalarNode):
                raise YamlError(f"line {key.start_mark.line + 1}: key {key.value!r} stands more than once; remove one")
            seen.add(name)
        return dict(super().construct_mapping(node, deep))


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

"""What all sections of a config share: strict values, numbers as people write them, and the limits of numbers."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, ConfigDict, model_validator

_EXPONENT: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+", re.ASCII)

# Far beyond what anybody needs, but near enough that a slip of the keyboard is told at once and not after the training.
MAX_PIXELS: Final = 32_768
MAX_IMAGES: Final = 1_000_000
MAX_PROCESSES: Final = 10_000
MAX_EPSILON: Final = 100_000.0
MAX_SCALES: Final = 10_000
MAX_NUMBER: Final = 1_000_000_000


FILLED_IN: Final = "filled_in"
"""In a field's `json_schema_extra`: what counts where that key and all others are left out, unlike its own default."""


@dataclass(frozen=True)
class LocationMark:
    """Tells that a text is a place: a path, which the edge makes absolute, or a URI."""


Location = Annotated[str, LocationMark()]


class Section(BaseModel):
    """Frozen, strict, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _numbers_as_people_write_them(cls, values: Any) -> Any:
        """YAML 1.1 takes 1e-4 for text, it wants 1.0e-4: a number where a number belongs, text (a folder) elsewhere."""
        if not isinstance(values, dict):
            return values
        numbers = {
            key for key, field in cls.model_fields.items() if float in (field.annotation, *get_args(field.annotation))
        }
        return {
            key: float(value) if key in numbers and isinstance(value, str) and _EXPONENT.fullmatch(value) else value
            for key, value in values.items()
        }

"""What pydantic refuses is told in words of ours, the same everywhere."""

import uuid
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from raymeta.config import ConfigError, parse_config
from raymeta.field_faults import field_faults
from raymeta.predictions.selection_config import load_selection
from raymeta.sweeps.plan import load_sweep

SELECTION = "out_dir: out\nstrategy: entropy_box\npool: {predictions: pool}\n"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["fcn8", "lraspp"] = "fcn8"
    layer: str = "a"


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    width: int = Field(1, ge=1, le=64)
    share: float = Field(0.5, gt=0, lt=1, allow_inf_nan=False)
    names: list[str] = Field(["a"], min_length=1)
    known: bool = False
    key: uuid.UUID | None = None
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"width": 0}, "width: must be at least 1 (got 0)"),
        ({"width": 65}, "width: must be at most 64 (got 65)"),
        ({"width": "9"}, "width: must be a whole number (got '9')"),
        ({"width": 2.5}, "width: must be a whole number (got 2.5)"),
        ({"share": 0}, "share: must be greater than 0 (got 0)"),
        ({"share": 1.0}, "share: must be less than 1 (got 1.0)"),
        ({"share": float("nan")}, "share: must be a finite number (got nan)"),
        ({"share": "half"}, "share: must be a number (got 'half')"),
        ({"names": []}, "names: must have at least 1 entry (got [])"),
        ({"names": "a"}, "names: must be a list (got 'a')"),
        ({"known": "maybe"}, "known: must be true or false (got 'maybe')"),
        ({"inner": 3}, "inner: must be keys with values (got 3)"),
        ({"inner": {"layer": 9}}, "inner.layer: must be text: put it in quotes (got 9)"),
        ({"inner": {"kind": "lrasp"}}, "inner.kind: must be fcn8 or lraspp; did you mean lraspp? (got 'lrasp')"),
        ({"widht": 3}, "widht: unknown key; did you mean width?"),
        ({"zzz": 3}, "zzz: unknown key; remove it or correct its name"),
    ],
)
def test_each_kind_has_its_words(values, expected):
    with pytest.raises(ValidationError) as refused:
        Outer.model_validate(values)
    assert field_faults(refused.value, near=Outer.model_fields) == [expected]


def test_long_values_are_cut_and_many_faults_are_many_lines():
    with pytest.raises(ValidationError) as refused:
        Outer.model_validate({"width": "9" * 5000, "known": 7})
    lines = field_faults(refused.value)
    assert len(lines) == 2
    assert all(len(line) < 300 for line in lines)


def test_each_config_tells_its_own_keys(tmp_path):
    file = tmp_path / "select.yaml"
    file.write_text(SELECTION)
    for override, meant in (("stratgy=x", "strategy"), ("predictions.layot=CHW", "predictions.layout")):
        with pytest.raises(ConfigError, match=f"did you mean {meant}"):
            load_selection(file, [override])
    file.write_text(SELECTION.replace("entropy_box", "entropy_bx"))
    with pytest.raises(ConfigError, match=r"entropy_box\?"):
        load_selection(file)
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text("base: base.yaml\nrun_dir: out\nsampels: 3\n")
    with pytest.raises(ConfigError, match="did you mean samples"):
        load_sweep(sweep)


def test_a_key_of_the_experiment_is_looked_for_in_all_sections():
    with pytest.raises(ConfigError, match=r"acquisition\.box_width"):
        parse_config({"run_dir": "r", "dataset": {"kind": "folder", "root": "d"}, "box_width": 3})

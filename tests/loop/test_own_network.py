"""The network that docs/networks.md shows, through the whole loop, as a reader would use it."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from tiny_settings import tiny_values, write_scenes

from raymeta.config import parse_config
from raymeta.errors import InputError
from raymeta.loop.check import check_experiment
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers

PAGE = Path(__file__).parents[2] / "docs/networks.md"


def test_the_network_of_the_docs_trains_and_asks(tmp_path, monkeypatch):
    text = PAGE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (settings,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "my_network.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    values = tiny_values(write_scenes(tmp_path / "scenes"), str(tmp_path / "run"))
    config = parse_config(values | yaml.safe_load(settings) | {"iterations": 1})
    assert not check_experiment(config).faults
    run_experiment(config, local_workers)
    assert pq.read_table(tmp_path / "run/iterations/000/query.parquet").num_rows == 20


def test_check_tells_what_is_wrong_with_a_network(tmp_path):
    values = tiny_values(write_scenes(tmp_path / "scenes"), str(tmp_path / "run"))
    network = {"kind": "module", "factory": "tiny_module:half_size", "options": {"answer": "text"}}
    report = check_experiment(parse_config(values | {"network": network}))
    assert len(report.faults) == 1
    assert "'out' or 'logits'" in report.faults[0]
    assert report.facts


@pytest.mark.parametrize("kind", ["fcn8", "lraspp", "deeplabv3plus", "smp"])
def test_a_network_without_encoder_is_not_frozen(tmp_path, kind):
    values = tiny_values(write_scenes(tmp_path / "scenes"), str(tmp_path / "run"))
    config = parse_config(values | {"network": {"kind": kind, "encoder": "frozen", "weights": "own.pt"}})
    (fault,) = check_experiment(config).faults
    with pytest.raises(InputError, match="frozen") as refused:
        run_experiment(config, local_workers)
    assert str(refused.value) == fault
    assert not (tmp_path / "run").exists()

"""What `serve deploy` is given: the file in configs/ names what the builder takes."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from raymeta.cluster.serve.deployment import build
from raymeta.service.settings import ServiceSettings, ServingLayout

CONFIG = Path(__file__).parent.parent.parent / "configs/serve/priority_map.yaml"


def test_the_config_is_one_that_serve_takes():
    values = yaml.safe_load(CONFIG.read_text())
    schema = ServeDeploySchema.model_validate(values)
    assert schema.http_options.host == "127.0.0.1"
    (application,) = schema.applications
    assert application.import_path == f"{build.__module__}:{build.__name__}"
    known = {field.name for kind in (ServiceSettings, ServingLayout) for field in fields(kind)}
    assert {"run"} <= application.args.keys() <= known


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({}, "without run"), ({"run": "x", "replica": 2}, r"\['replica'\]: give run, and none but")],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        build(arguments)

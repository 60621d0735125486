"""Requests made from the service's own OpenAPI description, sound and unsound ones: none ends in a 5xx."""

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from tiny_runs import encode

IMAGES = [encode(np.full((height, width, 3), 90, dtype=np.uint8)) for height, width in ((1, 1), (8, 8), (20, 31))]
EXAMPLES = 30
OPERATIONS = 40


@pytest.fixture(scope="module")
def operations(url):
    schemathesis.openapi.media_type("image/png", st.one_of(st.sampled_from(IMAGES), st.binary(max_size=200)))
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    return [result.ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("number", range(OPERATIONS))
def test_no_request_ends_in_a_server_error(operations, number, run):
    assert len(operations) == OPERATIONS, "a route came or went: correct OPERATIONS"
    operation = operations[number]
    statuses: set[int] = set()

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.one_of(*_cases(operation)), st.booleans())
    def ask(case, known_image):
        if known_image and "image_id" in (case.path_parameters or {}):
            case.path_parameters["image_id"] = run.split.unlabelled[0]
        response = case.call(timeout=30)
        case.validate_response(response, checks=[not_a_server_error])
        statuses.add(response.status_code)

    ask()
    assert statuses
    assert max(statuses) < 500


def _cases(operation):
    """Requests that keep to the description, and where it has something to break, requests that don't."""
    takes_something = operation.query or operation.path_parameters or operation.body
    modes = list(GenerationMode) if takes_something else [GenerationMode.POSITIVE]
    return [operation.as_strategy(generation_mode=mode) for mode in modes]

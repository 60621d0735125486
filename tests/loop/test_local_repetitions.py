"""Several seeds without Ray: one fails, the others finish, and the command goes on where it was."""

import pytest
from failing_seed import assert_others_finish

pytestmark = pytest.mark.slow


def test_a_failing_seed_does_not_stop_the_others(runner):
    told = assert_others_finish(runner, "--local")
    assert "run 1 of 2: seed_1" in told
    assert "run 2 of 2: seed_2" in told

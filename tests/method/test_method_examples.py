"""Every worked example of docs/method.md prints what raymeta computes."""

import acquisition_examples
import cost_examples
import pytest
import segment_examples
from method_page import PAGE, examples

EXAMPLES = segment_examples.EXAMPLES | acquisition_examples.EXAMPLES | cost_examples.EXAMPLES
PRINTED = examples(PAGE.read_text())


def test_every_block_is_computed():
    assert sorted(PRINTED) == sorted(EXAMPLES)


@pytest.mark.parametrize("heading", EXAMPLES)
def test_example(heading):
    assert PRINTED[heading] == EXAMPLES[heading]()

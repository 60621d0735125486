"""Parts of file names that labels and image ids become."""

from hypothesis import given
from hypothesis import strategies as st

from raymeta.report.file_names import MAX_BYTES, file_key


def test_short_texts_stay_readable():
    assert file_key("metabox_plus (epsilon 1.5)") == "metabox_plus__epsilon_1_5_"


def test_long_texts_that_differ_at_their_ends_differ():
    keys = {file_key("x" * 300 + end) for end in ("", "a", "b")}
    assert len(keys) == 3


@given(st.text())
def test_any_text_fits_into_a_file_name(text):
    key = file_key(text)
    assert len(key.encode()) <= MAX_BYTES
    assert not set(key) & set("/\\\0. \n")

"""Places of folders: what lies below them, and what is shown of them."""

import pytest

from raymeta.locations import below, hide_secrets, last_name, without_options


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("runs/a", "runs/a/report"),
        ("runs/a/", "runs/a/report"),
        ("runs/what?/a", "runs/what?/a/report"),
        ("/", "/report"),
        ("s3://bucket/run", "s3://bucket/run/report"),
        ("s3://bucket/run/?region=eu&scheme=http", "s3://bucket/run/report?region=eu&scheme=http"),
    ],
)
def test_below_comes_before_the_options(location, found):
    assert below(location, "report") == found


def test_several_names_and_the_last_of_them():
    place = below("s3://key:secret@bucket/run?region=eu", "requery", "001")
    assert place == "s3://key:secret@bucket/run/requery/001?region=eu"
    assert last_name(place) == "001"
    assert without_options(place) == "s3://key:secret@bucket/run/requery/001"
    assert last_name("runs/demo/") == "demo"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run folder s3://key:se/cret@b/run", "run folder s3://…@b/run"),
        ("s3://key:a+b/c/d==@b/run?region=x", "s3://…@b/run?region=x"),
        ("s3://key:@b", "s3://…@b"),
        ("abfs://box/run?account_key=ab/c==&x=1", "abfs://box/run?account_key=…&x=1"),
        ("run folder s3://key:secret@bucket/run is full", "run folder s3://…@bucket/run is full"),
        ("s3://a:b@c/d and hdfs://user@host:9000/e", "s3://…@c/d and hdfs://…@host:9000/e"),
        (
            "write to me@example.org about https://example.org/@a",
            "write to me@example.org about https://example.org/@a",
        ),
    ],
)
def test_secrets_are_hidden(text, shown):
    assert hide_secrets(text) == shown

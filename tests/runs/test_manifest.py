"""The manifest: what it takes for sound, and that its checksum stays that of earlier versions."""

import hashlib
import json

import pytest

from raymeta.runs.manifest import FileEntry, Manifest, StageEntry

FILE = {"sha256": "ab", "bytes": 3}
ENTRY = {"files": {"network.pt": FILE}, "committed_at": "2026-01-01T00:00:00+00:00", "seconds": 1.5, "inputs": "k"}


def sealed(stages):
    """Slow and obvious: what raymeta 0.1 wrote."""
    digest = hashlib.sha256(json.dumps(stages, sort_keys=True).encode()).hexdigest()
    return (json.dumps({"stages": stages, "sha256": digest}, indent=2) + "\n").encode()


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY,
        {"files": {}, "seconds": 2},
        ENTRY | {"later": [1, {"a": None}]},
        ENTRY | {"files": {"a": FILE | {"x": 1}}},
    ],
)
def test_what_an_earlier_or_later_version_wrote_comes_back_byte_for_byte(entry):
    data = sealed({"train": entry})
    found = Manifest.from_bytes(data)
    assert json.loads(found.to_bytes()) == json.loads(data)
    assert Manifest.from_bytes(found.to_bytes()) == found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        sealed({"train": ENTRY})[:-9],
        sealed({"train": ENTRY}).replace(b"1.5", b"2.5"),
        sealed({"train": ENTRY | {"files": {"../a": FILE}}}),
        sealed({"train": ENTRY | {"files": {"a\\b": FILE}}}),
        sealed({"train": ENTRY | {"files": {"a": {"sha256": 1, "bytes": 3}}}}),
        sealed({"train": ENTRY | {"files": {"a": {"sha256": "x"}}}}),
        sealed({"train": ENTRY | {"seconds": "1"}}),
        sealed({"train": []}),
        sealed([]),
    ],
)
def test_damage_is_seen(data):
    assert Manifest.from_bytes(data) is None


def test_a_file_is_sound_or_told_by_its_fault():
    entry = FileEntry.of(b"abc")
    assert entry.fault(b"abc") is None
    assert entry.fault(None) == "missing"
    assert "2 bytes instead of 3" in entry.fault(b"ab")
    assert "checksum" in entry.fault(b"abd")


def test_the_fingerprint_changes_with_a_stage_and_lacks_where_one_does():
    first = Manifest({"train": StageEntry.now({"a": FileEntry.of(b"a")}, 0.12345, "")})
    other = Manifest({"train": StageEntry.now({"a": FileEntry.of(b"b")}, 0.12345, "")})
    assert first.stages["train"].seconds == 0.123
    assert first.fingerprint(("train",)) != other.fingerprint(("train",))
    assert first.fingerprint(("train", "fit")) is None

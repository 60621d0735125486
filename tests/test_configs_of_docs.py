"""YAML blocks of README and docs are configs, or parts of some, that load; own predictions go as the page has them."""

import os
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from prediction_folders import HEIGHT, WIDTH, write_predictions

from raymeta.cli import main
from raymeta.config import load_config, parse_config, run_configs
from raymeta.datasets.folder import read_class_list

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SMALLEST = {"run_dir": "runs/x", "dataset": {"kind": "folder", "root": "data"}}


def yaml_blocks(page):
    return re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


BLOCKS = [(page.name, text) for page in PAGES for text in yaml_blocks(page)]


@pytest.mark.parametrize(("page", "text"), BLOCKS, ids=[f"{page}-{text.split()[0]}" for page, text in BLOCKS])
def test_it_loads(page, text, tmp_path, monkeypatch):
    values = yaml.safe_load(text)
    monkeypatch.setenv("SLACK_PATH", "a")
    monkeypatch.setenv("TOKEN", "b")
    if "classes" in values:
        (tmp_path / "classes.yaml").write_text(text)
        assert len(read_class_list(tmp_path / "classes.yaml").names) >= 2
    elif page == "select.md":
        assert set(values) == {"out_dir", "strategy", "box_width", "query_size", "predictions", "meta", "pool"}
    elif "base" in values:
        (tmp_path / "my.yaml").write_text(next(text for name, text in BLOCKS if name == page))
        (tmp_path / "study.yaml").write_text(text)
        assert len(run_configs(load_config(tmp_path / "study.yaml"))) == 2 * 3 * 2 + 3
    else:
        parse_config(SMALLEST | values)


def test_own_predictions_as_the_page_has_them(tmp_path, monkeypatch, capsys):
    """select.yaml as it stands with smaller boxes: masks and earlier boxes aren't asked for again."""
    write_predictions(tmp_path)
    monkeypatch.chdir(tmp_path)
    os.rename("labels", "meta_labels")
    (text,) = yaml_blocks(ROOT / "docs/select.md")
    small = ["box_width=12", "query_size=10"]
    (tmp_path / "first.yaml").write_text(re.sub("^  labelled_.*\n", "", text, flags=re.MULTILINE))
    assert main(["select", "first.yaml", *small, "out_dir=earlier"]) == 0
    earlier = pq.read_table("earlier/query.parquet")
    masked = "05"
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.ones((HEIGHT, WIDTH), np.uint8)).save(f"masks/{masked}.png")
    (tmp_path / "select.yaml").write_text(text)
    assert main(["select", "select.yaml", *small]) == 0
    assert "10 boxes" in capsys.readouterr().out
    query = pq.read_table("selection/query.parquet")
    before, now = (
        set(zip(*(table[name].to_pylist() for name in ("image_id", "top", "left")), strict=True))
        for table in (earlier, query)
    )
    assert len(now) == 10
    assert not before & now
    assert masked not in query["image_id"].to_pylist()
    for name in ("query.csv", "query.geojson", "selection.json"):
        assert (tmp_path / "selection" / name).is_file()

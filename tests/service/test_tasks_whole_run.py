"""A simulated person works through the HTTP routes, and the run equals that of the simulated annotator."""

import time

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from http_person import answer_all, pixels_of
from simulated_person import CLASSES, config_text, write_images
from tiny_runs import serving

from raymeta.config import load_config
from raymeta.errors import WaitingForPeople
from raymeta.exchange.rasterizer import fill_rings
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings


def run(folder, data, oracle):
    path = folder / "config.yaml"
    path.write_text(config_text(data, folder / "run", oracle))
    run_experiment(load_config(path), local_workers)
    return folder / "run"


def test_a_person_at_the_routes_makes_the_run_of_the_simulated_annotator(tmp_path):
    write_images(tmp_path / "labelled/data", labelled=True)
    theirs = run(tmp_path / "labelled", tmp_path / "labelled/data", "{kind: simulated, clicks: region}")
    write_images(tmp_path / "people/data", labelled=False)
    asked = (tmp_path / "people", tmp_path / "people/data", "{kind: people}")
    with pytest.raises(WaitingForPeople):
        run(*asked)
    settings = ServiceSettings(str(tmp_path / "people/run"), threads=1, access_log="/dev/null", local_person=True)
    with serving(create_app(settings, LocalBackend(settings))) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/v1/model").status_code == 503  # nothing is scored, and people work all the same
        assert answer_all(client) == 6
        for _ in range(2):
            with pytest.raises(WaitingForPeople):
                run(*asked)
            wait_for_tasks(client, 6)
            check_prelabels(client)
            assert answer_all(client) == 6
    ours = run(*asked)
    for index in range(2):
        folders = [folder / f"iterations/{index:03d}" for folder in (ours, theirs)]
        queries = [pq.read_table(folder / "query.parquet").select(QUERY_SCHEMA.names) for folder in folders]
        assert queries[0].equals(queries[1])
        answers = [pq.read_table(folder / "annotation.parquet") for folder in folders]
        assert answers[0].select(ANNOTATION_SCHEMA.names).equals(answers[1].select(ANNOTATION_SCHEMA.names))
        assert answers[0]["human_polygon"].to_pylist() == [5] * 6
        assert answers[0]["active_seconds"].to_pylist() == [2.5] * 6
        networks = [torch.load(folder / "network.pt", weights_only=True) for folder in folders]
        assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[1])


def wait_for_tasks(client, count):
    """Lists may be a second old."""
    ends = time.monotonic() + 30
    while client.get("/v1/tasks?state=proposed").json()["total"] != count:
        assert time.monotonic() < ends
        time.sleep(0.05)


def check_prelabels(client):
    """Predicted segments cover each open box, pixel for pixel as their outlines do, with a predicted IoU."""
    for task in client.get("/v1/tasks?state=proposed").json()["tasks"]:
        found = client.get(f"/v1/tasks/{task['id']}/prelabels").json()
        assert found["source"] == f"iteration {int(task['set'][-3:])}"
        planes = pixels_of(found["raster_png"]).astype(int)
        numbers = planes @ [1, 256, 65536]
        assert sorted(np.unique(numbers)) == [segment["id"] for segment in found["segments"]]
        for segment in found["segments"]:
            assert segment["size"] == (numbers == segment["id"]).sum()
            assert segment["class_name"] == CLASSES[segment["class_id"]]
            assert 0 <= segment["predicted_iou"] <= 1
            corner = np.array([task["region"]["left"], task["region"]["top"]])
            rings = [np.array(ring) - corner for ring in segment["rings"]]
            np.testing.assert_array_equal(fill_rings(rings, 8, 8), numbers == segment["id"])
    first = client.get("/v1/tasks/initial-000001/prelabels").json()
    assert (first["source"], first["raster_png"], first["segments"]) == (None, None, [])

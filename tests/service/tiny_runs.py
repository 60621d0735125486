"""A tiny run folder made by the loop's own functions, without Ray: untrained networks, real artefacts."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import torch
import uvicorn
from fastapi import FastAPI

from raymeta.acquisition.box_selection import select_boxes
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.annotation.oracle import Oracle
from raymeta.config import ExperimentConfig, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.experiment.bundle import Bundle
from raymeta.experiment.check import experiment_split
from raymeta.experiment.image_scorer import ImageScorer
from raymeta.experiment.run_store import RunStore
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.networks.registry import build_network
from raymeta.schemas import IMAGE_ID, POOL_IMAGE_SCHEMA, QUERY_SCHEMA, RANK, WIDTH

HEIGHT, WIDTH_PIXELS, BOX = 48, 64, 8


def tiny_config(folder: Path, strategy: str) -> ExperimentConfig:
    return parse_config(
        {
            "run_dir": str(folder / "run"),
            "iterations": 3,
            "dataset": {
                "kind": "street_scenes",
                "root": str(folder / "scenes"),
                "scenes": {"train_images": 6, "validation_images": 1, "height": HEIGHT, "width": WIDTH_PIXELS},
            },
            "acquisition": {
                "strategy": strategy,
                "box_width": BOX,
                "query_size": 6,
                "initial_images": 1,
                "meta_images": 2,
            },
            "network": {"width_multiplier": 0.0625, "batch_norm": True},
        }
    )


class TinyRun:
    """A run whose iterations are committed one by one."""

    def __init__(self, folder: Path, strategy: str = "metabox_plus") -> None:
        self.config = tiny_config(folder, strategy)
        self.dataset = open_dataset(self.config.dataset, self.config.seed)
        self.split = experiment_split(self.config, self.dataset)
        self.store = RunStore(self.config.run_dir)
        self.store.create(self.config)
        self.store.write_split(self.split.to_table())

    @property
    def location(self) -> str:
        return self.store.location

    def commit(self, index: int, seed: int | None = None) -> None:
        """All stages of one iteration; the network's weights depend on its number, or on `seed`."""
        folder = self.store.iteration(index)
        torch.manual_seed(index if seed is None else seed)
        network = build_network(self.config.network, self.dataset.num_classes, index if seed is None else seed)
        sink = io.BytesIO()
        torch.save(network.state_dict(), sink)
        folder.write_bytes("network.pt", sink.getvalue())
        folder.commit("train", ["network.pt"], 1.0)
        regressor = self._fit(index, sink.getvalue())
        if regressor is not None:
            folder.write_bytes("meta_regressor.bin", regressor)
        folder.write_json("fit.json", {"r2": None})
        folder.commit("fit", ["fit.json"] + (["meta_regressor.bin"] if regressor else []), 1.0)
        self._score(index, sink.getvalue(), regressor)
        self._annotate(index)
        folder.write_json("summary.json", self._summary(index))
        folder.commit("summary", ["summary.json"])

    def _regions(self, index: int) -> LabelledRegions:
        regions = LabelledRegions.from_images(self.split.initial)
        for earlier in range(index):
            regions = regions.with_boxes(self.store.iteration(earlier).read_table("annotation.parquet"))
        return regions

    def _fit(self, index: int, network: bytes) -> bytes | None:
        if not self.split.meta:
            return None
        bundle = Bundle(f"{index}-meta", index, network, None, self._regions(index))
        scorer = ImageScorer(self.config, self.dataset, bundle, torch.device("cpu"))
        tables = [scorer.meta_segments(image_id) for image_id in self.split.meta]
        ids = [i for i, table in zip(self.split.meta, tables, strict=True) for _ in range(table.num_rows)]
        return MetaRegressor(trees=5).fit(pa.concat_tables(tables), ids).to_bytes()

    def _score(self, index: int, network: bytes, regressor: bytes | None) -> None:
        clicks_max = 9 if self.config.acquisition.strategy.endswith("plus") else None
        bundle = Bundle(f"{index}-score", index, network, regressor, self._regions(index), clicks_max)
        scorer = ImageScorer(self.config, self.dataset, bundle, torch.device("cpu"))
        scores = {image_id: scorer.score(image_id)[0] for image_id in self.split.unlabelled}
        seconds = {"seconds_decode": 0.0, "seconds_network": 0.0, "seconds_score": 0.0}
        rows = [{IMAGE_ID: i, "error": None, **score.statistics, **seconds} for i, score in scores.items()]
        chosen = select_boxes(pa.concat_tables([s.candidates for s in scores.values()]), 6)
        columns = {name: chosen[name] for name in chosen.column_names}
        columns[WIDTH] = pa.array([BOX] * chosen.num_rows, pa.int32())
        columns[RANK] = pa.array(range(1, chosen.num_rows + 1), pa.int32())
        query = pa.table([columns[f.name].cast(f.type) for f in QUERY_SCHEMA], QUERY_SCHEMA)
        folder = self.store.iteration(index)
        folder.write_table("images.parquet", pa.Table.from_pylist(rows, schema=POOL_IMAGE_SCHEMA))
        folder.write_table("query.parquet", query)
        folder.write_json("score.json", {"clicks_max": clicks_max, "strategy": self.config.acquisition.strategy})
        folder.commit("score", ["images.parquet", "query.parquet", "score.json"], 1.0)

    def _annotate(self, index: int) -> None:
        folder = self.store.iteration(index)
        query = folder.read_table("query.parquet")
        oracle = Oracle(self.dataset, None)
        answers = [
            oracle.answer(query.filter(pa.compute.equal(query[IMAGE_ID], image_id)))
            for image_id in query[IMAGE_ID].unique().to_pylist()
        ]
        folder.write_table("annotation.parquet", pa.concat_tables(answers).sort_by(RANK))
        folder.commit("annotate", ["annotation.parquet"], 1.0)

    def _summary(self, index: int) -> dict[str, object]:
        return {
            "iteration": index,
            "miou": 0.1 * (index + 1),
            "class_iou": [0.5, None] + [0.0] * (self.dataset.num_classes - 2),
            "cost_a": 10.0 + index,
            "cost_b": 11.0 + index,
            "cost_p": 12.0 + index,
            "labelled_share": 9.0 + index,
            "boxes": 6 * index,
            "query_boxes": 6,
            "r2": None,
            "epochs": 3,
            "seconds": {"train": 1.0},
        }


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The app behind a real HTTP server on a free port of this machine; gives its URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)


def encode(image: np.ndarray, suffix: str = ".png") -> bytes:
    """(H, W, 3) uint8 RGB, or (H, W) uint8, as a file."""
    return bytes(cv2.imencode(suffix, image[..., ::-1] if image.ndim == 3 else image)[1])

"""A small run whose pool was really scored: an untrained network on generated scenes, without Ray."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from raymeta.acquisition.box_selection import select_boxes
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.annotation.oracle import Oracle
from raymeta.config import ExperimentConfig, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.experiment.check import experiment_split
from raymeta.experiment.image_scorer import Bundle, ImageScorer
from raymeta.experiment.run_store import RunStore
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.networks.registry import build_network
from raymeta.schemas import POOL_IMAGE_SCHEMA, QUERY_SCHEMA, RANK, WHOLE_IMAGE_CLICKS_SCHEMA, WIDTH

CLICKS_MAX = 40


def scored_config(folder: Path, **acquisition: Any) -> ExperimentConfig:
    """metabox_plus on eight scenes of 64×96 pixels."""
    values = {"strategy": "metabox_plus", "box_width": 16, "query_size": 6, "initial_images": 2, "meta_images": 2}
    return parse_config(
        {
            "run_dir": str(folder / "run"),
            "iterations": 1,
            "dataset": {
                "kind": "street_scenes",
                "root": str(folder / "scenes"),
                "scenes": {"train_images": 8, "validation_images": 2, "height": 64, "width": 96},
            },
            "acquisition": {**values, "clicks_sample_images": 2} | acquisition,
            "network": {"width_multiplier": 0.0625, "batch_norm": True},
        }
    )


def write_scored_run(folder: Path, **acquisition: Any) -> RunStore:
    """One finished iteration; query, answers and bundle belong together."""
    config = scored_config(folder, **acquisition)
    dataset = open_dataset(config.dataset, config.seed)
    split = experiment_split(config, dataset)
    store = RunStore(config.run_dir)
    store.create(config)
    store.write_split(split.to_table())
    oracle = Oracle(dataset)
    whole = [(i, oracle.whole_image_clicks(i)) for i in split.pool]
    rows = [{"image_id": i, "polygon_clicks": c.polygon, "class_clicks": c.class_, "pixels": 6144} for i, c in whole]
    store.write_pool_clicks(pa.Table.from_pylist(rows, schema=WHOLE_IMAGE_CLICKS_SCHEMA))
    sink = io.BytesIO()
    torch.save(build_network(config.network, dataset.num_classes, config.seed).state_dict(), sink)
    bundle = Bundle("0", 0, sink.getvalue(), None, LabelledRegions.from_images(split.initial), CLICKS_MAX)
    regressor = _regressor(ImageScorer(config, dataset, bundle, torch.device("cpu")), split.meta)
    bundle = Bundle("0", 0, sink.getvalue(), regressor, bundle.regions, CLICKS_MAX)
    scorer = ImageScorer(config, dataset, bundle, torch.device("cpu"))
    candidates = pa.concat_tables([scorer.score(image_id)[0].candidates for image_id in split.unlabelled])
    _write_iteration(store, bundle, select_boxes(candidates, config.acquisition.query_size), oracle)
    return store


def _regressor(scorer: ImageScorer, meta: tuple[str, ...]) -> bytes:
    tables = [scorer.meta_segments(image_id) for image_id in meta]
    ids = np.concatenate([np.repeat(i, table.num_rows) for i, table in zip(meta, tables, strict=True)])
    regressor = MetaRegressor("sklearn", 5, 2, 0.1, 0)
    regressor.fit(pa.concat_tables(tables), ids)
    return regressor.to_bytes()


def _write_iteration(store: RunStore, bundle: Bundle, selected: pa.Table, oracle: Oracle) -> None:
    count = selected.num_rows
    columns = {name: selected[name] for name in selected.column_names}
    columns |= {WIDTH: pa.array([store.load_config().acquisition.box_width] * count, pa.int32())}
    columns |= {RANK: pa.array(range(1, count + 1), pa.int32())}
    query = pa.table([columns[name] for name in QUERY_SCHEMA.names], schema=QUERY_SCHEMA)
    folder = store.iteration(0)
    folder.write_bytes("network.pt", bundle.network)
    folder.commit("train", ["network.pt"])
    folder.write_bytes("meta_regressor.bin", bundle.regressor or b"")
    folder.write_json("fit.json", {"r2": 0.1})
    folder.commit("fit", ["meta_regressor.bin", "fit.json"])
    folder.write_table("images.parquet", POOL_IMAGE_SCHEMA.empty_table())
    folder.write_table("query.parquet", query)
    folder.write_json("score.json", {"clicks_max": CLICKS_MAX, "strategy": "metabox_plus", "matched": None})
    folder.commit("score", ["images.parquet", "query.parquet", "score.json"])
    folder.write_table("annotation.parquet", oracle.answer(query))
    folder.write_json("oracle.json", {"failed_images": {}})
    folder.commit("annotate", ["annotation.parquet", "oracle.json"])

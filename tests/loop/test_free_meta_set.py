"""`meta_images: 0`: the meta regressor learns from L0 and from boxes that were answered anyway."""

import numpy as np
import pyarrow.compute as pc
import pytest
import torch
from tiny_settings import tiny_values, write_scenes

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.loop.meta_fitting import ANSWERED_IN, L0_ROWS, SEGMENTS
from raymeta.metaseg.labelled_parts import labelled_parts
from raymeta.runs.records import FitRecord, SummaryRecord
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import read_split
from raymeta.schemas import IMAGE_ID


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("free")
    values = tiny_values(write_scenes(folder / "scenes"), str(folder / "run"))
    values["acquisition"] = values["acquisition"] | {"meta_images": 0, "random_iterations": 1}
    return parse_config(values | {"iterations": 3})


@pytest.fixture(scope="module")
def store(config):
    run_experiment(config, local_workers)
    return RunStore(config.run_dir)


def test_nothing_is_paid_for_it(store):
    split = read_split(store)
    assert split.meta == ()
    for index in range(3):
        costs = SummaryRecord.read(store.iteration(index)).costs["cost_a"]
        assert costs.value == costs.without_meta


def test_rows_are_of_l0_and_of_each_answered_query(store):
    assert not store.iteration(0).is_named(SEGMENTS)  # it asked for random boxes
    kept = [store.iteration(index).read_table(SEGMENTS) for index in (1, 2)]
    assert [sorted(set(table[ANSWERED_IN].to_pylist())) for table in kept] == [[L0_ROWS, 0], [L0_ROWS, 0, 1]]
    first = [table.filter(pc.equal(table[ANSWERED_IN], 0)) for table in kept]
    assert first[0].equals(first[1])  # taken over, not measured again
    for index, table in zip((1, 2), kept, strict=True):
        record = FitRecord.read(store.iteration(index))
        assert record.segments == table.num_rows
        assert record.answered_segments == pc.sum(pc.greater_equal(table[ANSWERED_IN], 0)).as_py()
        assert set(table.filter(pc.equal(table[ANSWERED_IN], L0_ROWS))[IMAGE_ID].to_pylist()) <= set(
            read_split(store).initial
        )


@pytest.mark.parametrize("query", [0, 1])
def test_boxes_are_seen_by_the_network_that_asked_for_them(config, store, query):
    dataset = open_dataset(config.dataset, config.seed)
    network = store.iteration(query).read_bytes("network.pt")
    scorer = ImageScorer(config, dataset, Bundle("it", query, network, None, LabelledRegions()), torch.device("cpu"))
    regions = LabelledRegions().with_boxes(store.iteration(query).read_table("annotation.parquet"))
    kept = store.iteration(2).read_table(SEGMENTS)
    kept = kept.filter(pc.equal(kept[ANSWERED_IN], query))
    for image_id in regions.image_ids():
        target = regions.apply(dataset.label_map(image_id), image_id)
        wanted = labelled_parts(np.asarray(scorer.softmax(dataset.image(image_id))), target)
        found = kept.filter(pc.equal(kept[IMAGE_ID], image_id)).select(wanted.column_names)
        assert found.to_pydict() == wanted.to_pydict()

import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from metaseg_reference import random_softmax, random_target

from raymeta.metaseg.boosted_trees import trees_of_sklearn
from raymeta.metaseg.meta_regression import MetaRegressor, r_squared
from raymeta.metaseg.segment_metrics import segment_metrics

KINDS = ["catboost", "sklearn"]


def images(count, seed=0, classes=4):
    """Segment tables and image ids of `count` images."""
    rng = np.random.default_rng(seed)
    tables, ids = [], []
    for index in range(count):
        softmax = random_softmax(rng, classes, 48, 64, smooth=3)
        target = random_target(rng, softmax.argmax(axis=0), classes, noise=0.05, ignored=0.02)
        tables.append(segment_metrics(softmax, target)[1])
        ids += [f"image_{index}"] * tables[-1].num_rows
    return pa.concat_tables(tables), ids


@pytest.fixture(scope="module")
def meta_set():
    return images(6)


def with_column(table, name, values):
    return table.set_column(table.column_names.index(name), table.schema.field(name), pa.array(values))


@pytest.mark.parametrize("kind", KINDS)
def test_learns_and_clips(kind, meta_set):
    table, ids = meta_set
    regressor = MetaRegressor(kind).fit(table, ids)
    predicted = regressor.predict(table)
    assert predicted.shape == (table.num_rows,)
    assert predicted.dtype == np.float64
    assert predicted.min() >= 0
    assert predicted.max() <= 1
    inner = table["size_inner"].to_numpy() > 0
    fitted_r2 = r_squared(table["iou"].to_numpy()[inner], predicted[inner])
    assert 0 < regressor.r2 < fitted_r2 <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_file_whatever_the_order_of_images(kind, meta_set):
    table, ids = meta_set
    first = MetaRegressor(kind, seed=3).fit(table, ids)
    assert MetaRegressor(kind, seed=3).fit(table, ids).to_bytes() == first.to_bytes()
    order = np.concatenate([np.flatnonzero(np.array(ids) == name) for name in sorted(set(ids), reverse=True)])
    shuffled = MetaRegressor(kind, seed=3).fit(table.take(order), [ids[index] for index in order])
    np.testing.assert_array_equal(shuffled.predict(table), first.predict(table))
    assert shuffled.r2 == first.r2


def test_catboost_depends_on_the_seed(meta_set):
    table, ids = meta_set
    predictions = [MetaRegressor("catboost", seed=seed).fit(table, ids).predict(table) for seed in (0, 1)]
    assert not np.array_equal(*predictions)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind, meta_set, tmp_path):
    table, ids = meta_set
    regressor = MetaRegressor(kind, trees=30, depth=3, learning_rate=0.2, seed=5).fit(table, ids)
    path = tmp_path / f"meta_regressor{regressor.suffix}"
    regressor.save(path)
    loaded = MetaRegressor.load(path)
    np.testing.assert_array_equal(loaded.predict(table), regressor.predict(table))
    assert (loaded.kind, loaded.parameters, loaded.r2) == (kind, regressor.parameters, regressor.r2)
    again = MetaRegressor.from_bytes(loaded.to_bytes())
    np.testing.assert_array_equal(again.predict(table), regressor.predict(table))
    assert regressor.suffix == {"catboost": ".cbm", "sklearn": ".npz"}[kind]
    assert list(tmp_path.iterdir()) == [path]


def test_plain_trees_predict_as_sklearn_does():
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 5)).round(1)
    values = np.sin(features[:, 0]) + features[:, 1] * features[:, 2]
    model = HistGradientBoostingRegressor(max_iter=20, max_depth=4, early_stopping=False).fit(features, values)
    unseen = rng.normal(size=(1000, 5)).round(1)
    np.testing.assert_allclose(trees_of_sklearn(model).predict(unseen), model.predict(unseen), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_r2_never_shares_an_image_between_both_sides(kind):
    table, _ = images(2)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, table.num_rows, size=240)
    copied = with_column(table.take(rows), "iou", rng.random(table.num_rows)[rows])
    copied = with_column(copied, "size_inner", np.ones(240, dtype=np.int64))
    by_segment = MetaRegressor(kind).fit(copied, [f"image_{row}" for row in rows])
    assert by_segment.r2 < 0.3
    leaking = MetaRegressor(kind).fit(copied, [f"image_{index}" for index in range(240)])
    assert leaking.r2 > 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_only_segments_with_an_interior_are_learnt_from(kind, meta_set):
    table, ids = meta_set
    inner = table["size_inner"].to_numpy() > 0
    assert not inner.all()
    spoilt = with_column(table, "iou", np.where(inner, table["iou"].to_numpy(), 1 - table["iou"].to_numpy()))
    expected = MetaRegressor(kind).fit(table, ids).predict(table)
    np.testing.assert_array_equal(MetaRegressor(kind).fit(spoilt, ids).predict(table), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_training(kind, meta_set):
    table, ids = meta_set
    without_interior = with_column(table, "size_inner", np.zeros(table.num_rows, dtype=np.int64))
    constant = with_column(table, "iou", np.full(table.num_rows, 0.7))
    one_row = with_column(table.slice(0, 1), "size_inner", [1])
    cases = [
        (without_interior, ids, 0),
        (table.slice(0, 0), [], 0),
        (constant, ids, 0.7),
        (one_row, ids[:1], one_row["iou"][0].as_py()),
    ]
    for degenerate, its_ids, expected in cases:
        regressor = MetaRegressor.from_bytes(MetaRegressor(kind).fit(degenerate, its_ids).to_bytes())
        assert math.isnan(regressor.r2)
        assert regressor.kind == kind
        np.testing.assert_allclose(regressor.predict(table), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_few_images_and_few_rows(kind, meta_set):
    table, _ = meta_set
    one_image = MetaRegressor(kind).fit(table, ["same"] * table.num_rows)
    assert math.isnan(one_image.r2)
    two = with_column(table.slice(0, 2), "size_inner", [1, 1])
    two = with_column(two, "iou", [0.2, 0.8])
    assert np.isfinite(MetaRegressor(kind).fit(two, ["a", "b"]).r2)


@pytest.mark.parametrize("kind", KINDS)
def test_empty_prediction_and_pyarrow_ids(kind, meta_set):
    table, ids = meta_set
    regressor = MetaRegressor(kind).fit(table, pa.chunked_array([ids]))
    assert regressor.r2 == MetaRegressor(kind).fit(table, ids).r2
    assert regressor.predict(table.slice(0, 0)).shape == (0,)
    assert regressor.predict(table.drop_columns(["iou"])).shape == (table.num_rows,)


def test_catboost_is_quiet_and_writes_nothing(meta_set, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    MetaRegressor("catboost").fit(*meta_set).to_bytes()
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_wrong_use_is_refused(meta_set):
    table, ids = meta_set
    with pytest.raises(ValueError, match="isn't fitted"):
        MetaRegressor().predict(table)
    with pytest.raises(ValueError, match="image ids for"):
        MetaRegressor().fit(table, ids[1:])
    with pytest.raises(ValueError, match="lacks iou"):
        MetaRegressor().fit(table.drop_columns(["iou"]), ids)
    with pytest.raises(ValueError, match="NaN"):
        MetaRegressor().fit(with_column(table, "iou", np.full(table.num_rows, np.nan)), ids)
    regressor = MetaRegressor("sklearn", trees=2).fit(table, ids)
    for classes in (3, 5):
        with pytest.raises(ValueError, match=r"lacks|classes"):
            regressor.predict(images(1, classes=classes)[0])
    for other in (None, [1.0], np.zeros((2, 3)), table.to_pydict()):
        with pytest.raises(ValueError, match="the segment table is a "):
            regressor.predict(other)
        with pytest.raises(ValueError, match="the segment table is a "):
            regressor.fit(other, ids)
    before = regressor.predict(table)
    other_table, other_ids = images(3, classes=5)
    with pytest.raises(ValueError, match="NaN"):
        regressor.fit(with_column(other_table, "iou", np.full(other_table.num_rows, np.nan)), other_ids)
    np.testing.assert_array_equal(regressor.predict(table), before)  # a fit that failed changed nothing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "forest"}, "forest"),
        ({"trees": 0}, "trees 0"),
        ({"depth": 17}, "depth 17"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate nan"),
        ({"learning_rate": "0.1"}, "learning_rate '0.1'"),
        ({"trees": 2.5}, "trees 2.5 isn't a whole number"),
        ({"depth": True}, "depth True isn't a whole number"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_wrong_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MetaRegressor(**arguments)


@pytest.mark.parametrize("data", [b"", b"CBM1broken", b"PK\x03\x04broken", b"\x80\x04N."])
def test_other_files_are_refused(data):
    with pytest.raises(ValueError, match="no meta regressor"):
        MetaRegressor.from_bytes(data)


def test_importing_the_room_is_light():
    heavy = "{'ray', 'torch', 'catboost', 'sklearn'}"
    modules = "raymeta.metaseg.meta_regression, raymeta.metaseg.segment_metrics"
    code = f"import sys, {modules}; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

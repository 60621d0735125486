import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from slow_clicks import slow_clicks, slow_components, slow_labels, slow_ring, slow_visible

from raymeta.annotation.clicks import (
    AnnotatedScene,
    Clicks,
    LabelMapScene,
    count_clicks,
    count_components,
    ring_changes,
)
from raymeta.boxes import Box


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Corners; as painting includes the outline, pixels left..right and top..bottom belong to it."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


GROUND = (0, rectangle(0, 0, 15, 15))


def test_one_square_on_ground():
    scene = AnnotatedScene(16, 16, 2, [GROUND, (1, rectangle(4, 4, 8, 8))])
    # Ring of the image: ground only. Its four corners and the square's.
    assert count_clicks(scene, Box(0, 0, 16)) == Clicks(polygon=8, intersection=0, box=4, class_=2)
    # Half of the square: the ring crosses it twice.
    assert count_clicks(scene, Box(0, 0, 7)) == Clicks(polygon=1 + 1, intersection=2, box=4, class_=2)
    assert count_clicks(scene, Box(5, 5, 3)) == Clicks(polygon=0, intersection=0, box=4, class_=1)
    assert scene.whole_image() == Clicks(polygon=8, intersection=0, box=0, class_=2)


def test_occluding_square_hides_the_vertices_below():
    scene = AnnotatedScene(16, 16, 3, [GROUND, (1, rectangle(2, 2, 8, 8)), (2, rectangle(6, 6, 12, 12))])
    # Vertex (8, 8) of class 1 has no pixel of its polygon around; the other three have.
    assert count_clicks(scene, Box(0, 0, 16)) == Clicks(polygon=4 + 3 + 4, intersection=0, box=4, class_=3)
    assert count_clicks(scene, Box(7, 7, 4)).polygon == 0
    # As annotated, hidden vertices count too.
    assert scene.whole_image() == Clicks(polygon=12, intersection=0, box=0, class_=3)


def test_vertex_next_to_its_visible_polygon_is_visible():
    below = (1, rectangle(2, 2, 6, 6))
    hidden_by_two = AnnotatedScene(16, 16, 3, [GROUND, below, (2, rectangle(5, 5, 12, 12))])
    hidden_by_one = AnnotatedScene(16, 16, 3, [GROUND, below, (2, rectangle(6, 6, 12, 12))])
    assert count_clicks(hidden_by_two, Box(6, 6, 1)).polygon == 0
    # The vertices (6, 6) of both polygons.
    assert count_clicks(hidden_by_one, Box(6, 6, 1)).polygon == 2


def test_hidden_polygon_counts_only_as_annotated():
    scene = AnnotatedScene(16, 16, 3, [GROUND, (1, rectangle(5, 5, 6, 6)), (2, rectangle(3, 3, 9, 9))])
    assert count_clicks(scene, Box(0, 0, 16)) == Clicks(polygon=8, intersection=0, box=4, class_=2)
    assert scene.whole_image() == Clicks(polygon=12, intersection=0, box=0, class_=3)


def test_void_polygon_covers_but_costs_nothing():
    scene = AnnotatedScene(16, 16, 2, [GROUND, (1, rectangle(5, 5, 6, 6)), (255, rectangle(3, 3, 9, 9))])
    assert count_clicks(scene, Box(0, 0, 16)) == Clicks(polygon=4, intersection=0, box=4, class_=1)
    assert count_clicks(scene, Box(0, 0, 6)).intersection == 2
    assert scene.whole_image() == Clicks(polygon=8, intersection=0, box=0, class_=2)


def test_unpainted_and_void_are_one_class():
    scene = AnnotatedScene(8, 8, 1, [(255, rectangle(0, 0, 3, 7))])
    assert count_clicks(scene, Box(0, 0, 8)) == Clicks(polygon=0, intersection=0, box=4, class_=0)


def test_box_is_half_open():
    scene = AnnotatedScene(16, 16, 2, [(1, rectangle(4, 4, 8, 8))])
    assert count_clicks(scene, Box(4, 4, 4)).polygon == 1
    assert count_clicks(scene, Box(4, 4, 5)).polygon == 4
    assert count_clicks(scene, Box(8, 8, 1)).polygon == 1
    assert count_clicks(scene, Box(9, 9, 1)).polygon == 0


def test_coordinates_decide_which_box_holds_a_vertex():
    scene = AnnotatedScene(16, 16, 2, [(1, rectangle(3.9, 3.9, 8, 8))])
    # Painted from pixel 4 on, but the coordinate lies before 4.
    assert scene.label_map[4, 4] == 1
    assert count_clicks(scene, Box(0, 0, 4)).polygon == 1
    assert count_clicks(scene, Box(4, 4, 1)).polygon == 0


def test_vertices_outside_the_image_are_in_no_box():
    scene = AnnotatedScene(8, 8, 1, [(0, rectangle(-1, -1, 8, 5))])
    assert count_clicks(scene, Box(0, 0, 8)) == Clicks(polygon=0, intersection=2, box=4, class_=1)
    assert scene.whole_image().polygon == 4
    assert scene.vertex_map().sum() == 0
    far = AnnotatedScene(8, 8, 1, [(0, rectangle(-1e300, -1e300, 1e300, 1e300))])
    assert (far.label_map == 0).all()
    assert len(far.visible_vertices) == 0


def test_vertex_in_the_last_half_pixel():
    scene = AnnotatedScene(8, 8, 1, [(0, rectangle(2, 2, 7.6, 7.6))])
    assert count_clicks(scene, Box(0, 0, 8)).polygon == 4
    assert scene.vertex_map()[7, 7] == 1


def test_pixel_of_a_vertex_is_clipped_to_the_image_before_its_neighbours_are_looked_at():
    # Column 7.6 rounds to 8, outside; clipped to 7, its neighbour 6 still shows the polygon that column 7 hides.
    strip = (2, rectangle(7, 0, 7, 7))
    scene = AnnotatedScene(8, 8, 3, [(0, rectangle(0, 0, 7, 7)), (1, np.array([[2, 4], [7.6, 4], [2, 6]])), strip])
    assert scene.label_map[4].tolist() == [0, 0, 1, 1, 1, 1, 1, 2]
    assert scene.vertex_map()[4, 7] == 1


def test_corners_that_touch_are_one_component():
    scene = AnnotatedScene(8, 8, 2, [(1, rectangle(1, 1, 2, 2)), (1, rectangle(3, 3, 4, 4))])
    assert count_clicks(scene, Box(0, 0, 8)).class_ == 1
    assert count_clicks(scene, Box(2, 2, 2)) == Clicks(polygon=2, intersection=4, box=4, class_=1)
    assert scene.whole_image().class_ == 2


def test_box_of_one_pixel():
    scene = AnnotatedScene(4, 4, 1, [(0, rectangle(1, 1, 1, 1))])
    assert count_clicks(scene, Box(1, 1, 1)) == Clicks(polygon=4, intersection=0, box=4, class_=1)
    assert count_clicks(scene, Box(0, 0, 1)) == Clicks(polygon=0, intersection=0, box=4, class_=0)


@pytest.mark.parametrize("points", [[[1.0, 1.0], [5.0, 1.0]], [[1.0, 1.0]], [], np.empty((0, 2))])
def test_fewer_than_three_points(points):
    scene = AnnotatedScene(8, 8, 1, [(0, np.array(points))])
    covered = 5 if len(points) == 2 else len(points)
    assert np.count_nonzero(scene.label_map == 0) == covered
    assert count_clicks(scene, Box(0, 0, 8)).polygon == len(points)
    assert scene.whole_image() == Clicks(len(points), 0, 0, int(len(points) > 0))


def test_scene_without_polygons():
    scene = AnnotatedScene(4, 6, 3, [])
    assert count_clicks(scene, Box(0, 2, 4)) == Clicks(0, 0, 4, 0)
    assert scene.whole_image() == Clicks(0, 0, 0, 0)
    assert not scene.vertex_map().any()


def test_more_polygons_than_a_byte_counts():
    squares = [(i % 3, rectangle(2 * (i % 40), 2 * (i // 40), 2 * (i % 40), 2 * (i // 40))) for i in range(800)]
    scene = AnnotatedScene(40, 80, 3, squares)
    assert len(scene.visible_vertices) == 4 * 800
    assert scene.owner_map.max() == 800


def test_vertex_map_marks_visible_vertices_only():
    scene = AnnotatedScene(16, 16, 3, [(1, rectangle(2, 2, 8, 8)), (2, rectangle(6, 6, 12, 12))])
    expected = [[2, 2], [2, 8], [6, 6], [6, 12], [8, 2], [12, 6], [12, 12]]
    assert np.argwhere(scene.vertex_map()).tolist() == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_coordinate_that_is_no_number(bad):
    with pytest.raises(ValueError, match=r"polygon 1 has the vertex .*correct it"):
        AnnotatedScene(8, 8, 1, [(0, rectangle(1, 1, 2, 2)), (0, np.array([[0.0, 0.0], [1.0, bad], [2.0, 2.0]]))])


def test_bad_scenes():
    with pytest.raises(ValueError, match="class 3: classes are 0 to 2"):
        AnnotatedScene(8, 8, 3, [(3, rectangle(1, 1, 2, 2))])
    with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        AnnotatedScene(8, 8, 3, [(0, np.zeros((2, 3)))])
    with pytest.raises(ValueError, match="0×8"):
        AnnotatedScene(0, 8, 3, [])
    with pytest.raises(ValueError, match=r"labels \[5\]"):
        LabelMapScene(np.full((4, 4), 5, np.uint8), 3, 1.0)
    with pytest.raises(ValueError, match="label_map is a list: give a numpy array"):
        LabelMapScene([[0]], 3, 1.0)


@pytest.mark.parametrize("class_id", [1.5, True, "1", 256, -1])
def test_a_class_is_one_of_the_list(class_id):
    with pytest.raises(ValueError, match=f"polygon 0 has class {class_id}: classes are 0 to 254"):
        AnnotatedScene(8, 8, 255, [(class_id, rectangle(1, 1, 2, 2))])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((8.5, 8, 3, []), "height 8.5 isn't a whole number"),
        ((8, True, 3, []), "width True isn't a whole number"),
        ((8, 8, 256, []), "num_classes 256 is above 255: choose at most 255"),
        ((8, 8, 3, [(0, [["a", "b"]])]), "polygon 0 has points that aren't numbers"),
        ((8, 8, 3, [(0, [[1.0], [1.0, 2.0]])]), "polygon 0 has points that aren't numbers"),
    ],
)
def test_wrong_types_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        AnnotatedScene(*arguments)


def test_numpy_numbers_are_taken():
    scene = AnnotatedScene(np.int32(8), np.uint8(8), np.int64(2), [(np.uint8(1), rectangle(1, 1, 2, 2))])
    assert count_clicks(scene, Box(np.int64(0), np.int32(0), np.uint8(8))).polygon == 4
    with pytest.raises(ValueError, match=r"box \(0, 0, 8\) is a tuple: give Box"):
        count_clicks(scene, (0, 0, 8))


@pytest.mark.parametrize("box", [Box(0, 1, 8), Box(1, 0, 8), Box(20, 20, 1)])
def test_box_outside_the_image(box):
    for scene in (AnnotatedScene(8, 8, 1, []), LabelMapScene(np.zeros((8, 8), np.uint8), 1, 1.0)):
        with pytest.raises(ValueError, match="choose a box inside"):
            count_clicks(scene, box)


def test_label_map_scene():
    labels = np.zeros((8, 8), np.uint8)
    labels[2:5, 2:5] = 1
    labels[:, 7] = 255
    scene = LabelMapScene(labels, 2, 1.0)
    kappa = scene.vertex_map()
    # Image corners of class 0, corners of the square, and the hole of class 0 around it.
    assert all(kappa[row, col] for row, col in [(0, 0), (0, 6), (7, 0), (7, 6), (2, 2), (2, 4), (4, 2), (4, 4)])
    assert kappa[:, 7].sum() == 0
    assert scene.whole_image() == Clicks(int(kappa.sum()), 0, 0, 2)
    assert count_clicks(scene, Box(2, 2, 3)) == Clicks(int(kappa[2:5, 2:5].sum()), 0, 4, 1)
    assert count_clicks(scene, Box(0, 0, 8)).intersection == 2


coordinate = st.one_of(st.integers(-4, 20).map(float), st.floats(-6, 22, allow_nan=False))
polygon = st.tuples(
    st.sampled_from([0, 1, 2, 255]), st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=7).map(np.array)
)


@st.composite
def scenes(draw):
    height, width = draw(st.integers(1, 16)), draw(st.integers(1, 16))
    side = draw(st.integers(1, min(height, width)))
    box = Box(draw(st.integers(0, height - side)), draw(st.integers(0, width - side)), side)
    return height, width, draw(st.lists(polygon, max_size=6)), box


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_counts_equal_the_slow_reference(case):
    height, width, polygons, box = case
    scene = AnnotatedScene(height, width, 3, polygons)
    assert tuple(count_clicks(scene, box)) == slow_clicks(height, width, polygons, box)
    np.testing.assert_array_equal(scene.label_map, slow_labels(height, width, polygons))
    pixels = {
        (min(int(np.floor(y + 0.5)), height - 1), min(int(np.floor(x + 0.5)), width - 1))
        for x, y in slow_visible(height, width, polygons)
        if 0 <= x < width and 0 <= y < height
    }
    assert {tuple(place) for place in np.argwhere(scene.vertex_map()).tolist()} == pixels


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 7).flatmap(lambda b: arrays(np.uint8, (b, b), elements=st.sampled_from([0, 1, 254, 255]))))
def test_ring_and_components_equal_the_slow_reference(labels):
    assert ring_changes(labels) == slow_ring(labels)
    assert count_components(labels) == slow_components(labels)

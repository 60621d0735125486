import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from raymeta.metaseg.segments import find_segments
from raymeta.service.scoring.segment_polygons import segment_polygons


def painted(rings, shape):
    canvas = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(canvas, [np.array(ring, dtype=np.int32) for ring in rings], 1)
    return canvas == 1


def test_a_square_with_a_hole():
    segment_map = np.ones((5, 6), dtype=np.int32)
    segment_map[2, 2:4] = 2
    outer, inner = segment_polygons(segment_map, [1])[0]
    assert sorted(map(tuple, outer)) == [(0, 0), (0, 4), (5, 0), (5, 4)]
    assert {tuple(point) for point in inner} <= {(x, y) for x in range(1, 5) for y in range(1, 4)}
    assert segment_polygons(segment_map, [2]) == [[[[2, 2], [3, 2]]]]


@settings(deadline=None, max_examples=60)
@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2)))
def test_painting_the_rings_gives_the_segment_back(label_map):
    segments = find_segments(label_map)
    ids = range(1, segments.count + 1)
    for segment_id, rings in zip(ids, segment_polygons(segments.segment_map, ids), strict=True):
        np.testing.assert_array_equal(painted(rings, label_map.shape), segments.segment_map == segment_id)

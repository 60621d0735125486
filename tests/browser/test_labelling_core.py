"""The labelling page's pure modules in a browser: corner rule, outlines, closing, snapping, live-wire, cuts, brush."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

import raymeta
from raymeta.exchange.outlines import mask_rings
from raymeta.exchange.rasterizer import fill_rings

PAGE = Path(raymeta.__file__).parent / "webpage"
Call = Callable[..., Any]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *values: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def call(browser: Browser) -> Iterator[Call]:
    """call(module, code, values) → what the code returns, with the module's exports as `m` and the values as `v`."""
    handler = functools.partial(_Quiet, directory=str(PAGE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        page = browser.new_page()
        page.goto(f"{url}/icon.svg")

        def run(module: str, code: str, values: Any = None) -> Any:
            text = f"async (v) => {{ const m = await import('{url}/labelling/{module}.js'); {code} }}"
            return page.evaluate(text, values)

        yield run
        page.close()
        server.shutdown()


DENSE = """const dense = (mask, w, h) => {
  const rows = Array.from({length: h}, () => Array(w).fill(0));
  mask?.each((x, y) => (rows[y][x] = 1));
  return rows;
};"""


def test_corner_rule_takes_pixels_whose_centre_is_inside_half_open(call: Call) -> None:
    # (0,0) (4,0) (0,4): centres on the slanted side, x + y = 4, belong to nobody of its left.
    triangle = [[0, 0], [4, 0], [0, 4]]
    rows = call("corner_rule", DENSE + "return dense(m.ringsMask([v], 4, 4), 4, 4)", triangle)
    assert rows == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_corner_rule_is_the_rasterisers(call: Call) -> None:
    rng = np.random.default_rng(0)
    rings = [(rng.random((rng.integers(3, 9), 2)) * [40, 30] - 5).round(2).tolist() for _ in range(150)]
    rings += [rng.integers(-2, 26, (6, 2)).tolist() for _ in range(50)]  # corners of pixels: every tie there is
    found = call("corner_rule", DENSE + "return v.map((ring) => dense(m.ringsMask([ring], 30, 24), 30, 24))", rings)
    for ring, rows in zip(rings, found, strict=True):
        assert (np.array(rows) == fill_rings([np.array(ring, float)], 24, 30)).all()


def test_outlines_are_those_of_the_exchange_and_give_the_pixels_back(call: Call) -> None:
    rng = np.random.default_rng(1)
    masks = (rng.random((30, 9, 11)) < 0.6).astype(int)
    code = """const {Mask} = await import('/labelling/corner_rule.js');
      return v.map((rows) => m.maskRings(new Mask(0, 0, 11, 9, Uint8Array.from(rows.flat()))))"""
    for mask, rings in zip(masks, call("crack_outlines", code, masks.tolist()), strict=True):
        expected = mask_rings(mask == 1)
        assert [ring.tolist() for ring in expected] == rings
        assert (fill_rings([np.array(ring, float) for ring in rings], 9, 11) == mask).all()


@pytest.mark.parametrize(
    ("line", "other", "pixels"),
    [
        ([[0, 4], [10, 4]], False, 40),  # the part above is smaller
        ([[0, 4], [10, 4]], True, 60),
        ([[3, 0], [3, 5], [0, 5]], False, 15),  # a corner
        ([[2, 0], [2, 10]], False, 20),  # from top to bottom, over two corners
        ([[2, 0], [5, 3], [8, 0]], False, 9),  # one side only: rows of 5, 3 and 1 centres below the border
    ],
)
def test_line_from_border_to_border_closes_along_it(
    call: Call, line: list[list[int]], other: bool, pixels: int
) -> None:
    code = """const ring = m.closeAlongBorder(v.line, 10, 10, v.other);
      const {ringsMask} = await import('/labelling/corner_rule.js'); return ringsMask([ring], 10, 10).count"""
    assert call("border_closing", code, {"line": line, "other": other}) == pixels


def test_line_that_ends_inside_or_runs_along_one_side_closes_nothing(call: Call) -> None:
    code = "return v.map((line) => m.closeAlongBorder(line, 10, 10))"
    assert call("border_closing", code, [[[0, 4], [5, 5]], [[0, 2], [0, 7]], [[0, 4]]]) == [None, None, None]


SNAP = """const cells = (x, y) => (x < 4 ? 1 : y < 5 ? 2 : 3);
  return v.map(([point, radius, off]) => m.snap(point, {width: 10, height: 10, radius, off, cellAt: cells,
    rings: [[[7, 7], [9, 7], [9, 9]]], line: [[1, 1], [2, 8], [3, 3]]}))"""


def test_snapping_prefers_first_vertices_then_border_then_edges(call: Call) -> None:
    cases = [
        ([1.4, 1.2], 1, False),  # the first vertex of the line
        ([6.8, 7.3], 1, False),  # a vertex that was drawn
        ([8.1, 7.2], 0.5, False),  # an edge that was drawn, between its pixels
        ([0.4, 5.5], 1, False),  # the border
        ([4.3, 9.7], 1, False),  # on the border, where two segments meet
        ([12, 3.2], 1, False),  # outside: the border, however far
        ([4.3, 5.2], 1, False),  # where three segments meet
        ([4.3, 2.25], 0.5, False),  # an edge of the prediction
        ([5.5, 2.5], 0.5, False),  # nothing near
        ([4.3, 2.25], 0.5, True),  # switched off
    ]
    found = call("snapping", SNAP, cases)
    assert [each["kind"] for each in found] == [
        *("first", "vertex", "edge", "border", "border", "border", "edge", "edge", "free", "free"),
    ]
    points = [each["point"] for each in found]
    assert points[:4] == [[1, 1], [7, 7], [8.1, 7], [0, 5.5]]
    assert points[4:] == [[4, 10], [10, 3.2], [4, 5], [4, 2.25], [5.5, 2.5], [4.3, 2.25]]


def test_live_wire_follows_an_edge_of_the_picture_and_a_predicted_border(call: Call) -> None:
    code = """const rgba = new Uint8ClampedArray(4 * 12 * 12).fill(90);
      for (let at = 0; at < 144; at += 1) if (v.step && at % 12 >= 6) rgba.fill(200, 4 * at, 4 * at + 3);
      const predicted = v.step ? null : Int32Array.from({length: 144}, (_, at) => (at % 12 < 6 ? 1 : 2));
      const wire = new m.LiveWire(12, 12, rgba, predicted);
      wire.start([5, 0]); return wire.path([5, 12])"""
    detour = [[5, 0], [6, 0], [6, 12], [5, 12]]
    assert call("live_wire", code, {"step": True}) == detour
    assert call("live_wire", code, {"step": False}) == detour


def test_cut_gives_the_smaller_side_and_nothing_where_the_line_ends_inside(call: Call) -> None:
    code = """const {Partition} = await import('/labelling/partition.js');
      const partition = new Partition(10, 10, new Uint8Array(100));
      return v.map((line) => m.cutSide(partition, partition.segment(0, 0), line)?.count ?? null)"""
    lines = [[[4, 0], [4, 10]], [[7, 0], [7, 10]], [[0, 2.5], [10, 2.5]], [[4, 0], [4, 6]]]
    assert call("cutting", code, lines) == [40, 30, 20, None]


def test_brush_covers_centres_within_its_radius(call: Call) -> None:
    code = DENSE + "return v.map(([a, b, r]) => m.brushMask(a, b, r, 7, 5)?.count ?? 0)"
    strokes = [([3.5, 2.5], [3.5, 2.5], 0.5), ([3.5, 2.5], [3.5, 2.5], 1), ([3.5, 2.5], [3.5, 2.5], 1.5)]
    strokes += [([0.5, 2.5], [6.5, 2.5], 1), ([-9, -9], [-9, -9], 2)]
    # One pixel; a cross; 3×3; a bar of 7×3 whose ends are cut off by the raster; nothing.
    assert call("brush", code, strokes) == [1, 5, 9, 21, 0]


def test_drafts_keep_every_cell(call: Call) -> None:
    cells = np.random.default_rng(2).integers(0, 3, 500).tolist() + [65535] * 40000 + [256, 7]
    code = "return [...m.decodeRuns(m.encodeRuns(Uint16Array.from(v)), v.length)]"
    assert call("raster_coding", code, cells) == cells
    assert call("raster_coding", "return m.decodeRuns(m.encodeRuns(Uint16Array.from(v)), 3)", [1, 1]) is None


def test_answer_png_holds_the_values(call: Call) -> None:
    values = np.random.default_rng(3).integers(0, 256, 60).tolist()
    code = "const text = await m.encodeGrey(Uint8Array.from(v), 10, 6); return [...(await m.decodeGrey(text)).values]"
    assert call("raster_coding", code, values) == values


EDITOR = """const at = {radius: 0, alt: true, shift: false};
  const editor = new m.Editor({width: 6, height: 4, values: Uint8Array.from(v.values)});
  const row = (y) => Array.from({length: 6}, (_, x) => editor.partition.valueAt(x, y));
  const rows = () => [0, 1, 2, 3].map(row);"""
HALVES = [0, 0, 0, 1, 1, 1] * 4


def test_segments_classes_undo_redo_and_their_counts(call: Call) -> None:
    code = """editor.click([1.5, 1.5], at); editor.chooseClass(7); const one = rows();
      editor.undo(); const two = rows(); editor.redo(); editor.click([4.5, 0.5], at); editor.remove();
      editor.chooseClass(2); editor.fillRest(); return [one, two, rows(), editor.effort.clicks]"""
    one, two, three, clicks = call("editor", EDITOR + code, {"values": HALVES})
    assert one == [[7, 7, 7, 1, 1, 1]] * 4
    assert two == [[0, 0, 0, 1, 1, 1]] * 4
    assert three == [[7, 7, 7, 2, 2, 2]] * 4
    assert clicks == {"segment": 2, "class": 2, "undo": 1, "redo": 1, "delete": 1, "fill": 1}


def test_polygon_from_border_to_border_and_its_other_side(call: Call) -> None:
    code = """editor.chooseClass(5); editor.setTool('polygon');
      for (const point of [[0, 1], [3, 1], [6, 1]]) editor.click(point, {...at, alt: false, radius: 0.1});
      const one = rows(); editor.swapSide(); return [one, rows(), editor.effort.clicks, editor.line.length]"""
    one, two, clicks, left = call("editor", EDITOR + code, {"values": [9] * 24})
    assert one == [[5] * 6] + [[9] * 6] * 3
    assert two == [[9] * 6] + [[5] * 6] * 3
    assert clicks == {"class": 1, "crossing": 2, "vertex": 1}
    assert left == 0


def test_undo_takes_the_points_of_a_line_back_one_click_after_the_other(call: Call) -> None:
    code = """editor.chooseClass(5); editor.setTool('polygon');
      for (const point of [[1, 1], [5, 1], [5, 3]]) editor.click(point, at);
      editor.undo(); const points = editor.line.length; editor.click([1, 3], at); editor.finish();
      return [points, rows(), editor.effort.clicks]"""
    points, raster, clicks = call("editor", EDITOR + code, {"values": [9] * 24})
    # The triangle (1,1) (5,1) (1,3): centres of row 1 left of x = 4, of row 2 left of x = 2.
    assert points == 2
    assert raster == [[9] * 6, [9, 5, 5, 5, 9, 9], [9, 5, 9, 9, 9, 9], [9] * 6]
    assert clicks == {"class": 1, "vertex": 4, "undo": 1}


def test_cut_then_class_changes_one_side_alone(call: Call) -> None:
    code = """editor.click([0.5, 0.5], at); editor.setTool('cut');
      for (const point of [[2, 0], [2, 4]]) editor.click(point, at);
      editor.finish(); editor.chooseClass(3); return [rows(), editor.effort.clicks, editor.tool]"""
    raster, clicks, tool = call("editor", EDITOR + code, {"values": [9] * 24})
    assert raster == [[3, 3, 9, 9, 9, 9]] * 4
    assert clicks == {"segment": 1, "cut": 2, "class": 1}
    assert tool == "segment"


def test_brush_and_eraser_are_one_stroke_each(call: Call) -> None:
    code = """editor.chooseClass(4); editor.setTool('brush'); editor.radius = 0.5;
      editor.brush([0.5, 0.5], 'start'); editor.brush([3.5, 0.5], 'go'); editor.brush([3.5, 2.5], 'end');
      editor.setTool('eraser'); editor.brush([1.5, 0.5], 'start'); editor.brush([1.5, 0.5], 'end');
      const all = rows(); editor.undo(); editor.undo(); return [all, rows(), editor.effort.clicks]"""
    painted, back, clicks = call("editor", EDITOR + code, {"values": [9] * 24})
    assert painted == [[4, 255, 4, 4, 9, 9], [9, 9, 9, 4, 9, 9], [9, 9, 9, 4, 9, 9], [9] * 6]
    assert back == [[9] * 6] * 4
    assert clicks == {"class": 1, "brush": 1, "erase": 1, "undo": 2}


def test_active_seconds_leave_long_pauses_and_hidden_pages_out(call: Call) -> None:
    code = """const effort = new m.Effort(); effort.show(1000); effort.add('vertex', 3000); effort.act(8000);
      effort.act(508000); effort.pause(509000); effort.act(900000); effort.act(901000);
      return effort.toRecord()"""
    # 2 s and 5 s; of 500 s half a minute; 1 s; nothing while hidden; 1 s.
    assert call("effort", code) == {"clicks": {"vertex": 1}, "seconds": 39, "firstAction": 2}


NOTHING = {"reason": "nothing is left to be labelled", "left": 0, "oracle": "people", "unsent": 0, "since": 0}
WAITS = {"state": "waits for people", "stage": "annotate", "iteration": 1, "iterations": 3, "miou": 0.5, "seconds": {}}


@pytest.mark.parametrize(
    ("changed", "title", "said"),
    [
        ({}, "Everything is answered", "within a minute"),
        ({"since": 80_000}, "The run doesn't go on by itself", "raymeta label or raymeta run"),
        ({"progress": {"to_decide": 2}}, "A reviewer decides", "2 answers wait"),
        ({"left": 3, "reason": "3 open tasks are in other hands"}, "Nothing for you now", "3 open tasks"),
        ({"unsent": 1}, "Nothing else to label", "1 answer is on the way"),
        ({"status": WAITS | {"state": "stopped", "stage": "train"}}, "The run has stopped", "(iteration 2 of 3)"),
        ({"status": WAITS | {"state": "running"}}, "The run goes on", "(iteration 2 of 3)"),
        ({"status": WAITS | {"state": "finished", "iteration": 3}}, "All done", "50.0 % mIoU"),
        ({"status": WAITS | {"state": "finished"}}, "All done", "after 1 iteration: nothing is left"),
        ({"oracle": "simulated", "reason": "the simulated annotator answers"}, "Nothing to label", "The simulated"),
    ],
)
def test_who_has_nothing_to_label_reads_why(call: Call, changed: dict[str, Any], title: str, said: str) -> None:
    told = call("idle_notice", "return m.idleNotice(v)", NOTHING | {"status": WAITS, "progress": None} | changed)
    assert told["title"] == title
    assert said in told["text"]
    assert told["steps"] == []


def test_steps_of_a_run_that_learns_tell_how_long_they_took(call: Call) -> None:
    status = WAITS | {"state": "running", "stage": "score", "seconds": {"train": 75.2, "fit": 2.0, "score": 9.5}}
    told = call("idle_notice", "return m.idleNotice(v)", NOTHING | {"status": status, "progress": None})
    assert told["title"] == "The next query is chosen"
    assert [(step["state"], step["text"].partition(", ")[2]) for step in told["steps"]] == [
        ("done", "1 min 15 s the last time"),
        ("now", "12 s the last time"),
    ]

"""The run at a glance says what the service says."""

from pathlib import Path

from browser_page import OpenPage
from hostile_folder import CLASS_MARKUP
from served_run import ServedRun


def test_tiles_and_table_show_the_figures_of_the_run(open_page: OpenPage, served: ServedRun) -> None:
    rows = served.json("iterations")["iterations"]
    page = open_page()
    tiles = page.locator(".tile .value")
    tiles.first.wait_for()
    last = rows[-1]
    expected = [f"{last['miou'] * 100:.1f} %", f"{last['cost_a']:.1f} %", f"{last['labelled_share']:.1f} %"]
    assert tiles.all_inner_texts()[:4] == [*expected, str(last["query_boxes"])]
    first_row = page.locator(".iterations tbody tr").last.locator("th, td").all_inner_texts()
    assert first_row[:4] == [
        "0",
        f"{rows[0]['miou'] * 100:.2f} %",
        f"{rows[0]['cost_a']:.2f} %",
        f"{rows[0]['cost_b']:.2f} %",
    ]
    assert page.locator(".iterations tbody tr").count() == len(rows)


def test_chart_tells_each_point_under_the_pointer_and_by_keys(open_page: OpenPage, served: ServedRun) -> None:
    rows = served.json("iterations")["iterations"]
    page = open_page()
    chart = page.locator(".chart svg")
    for index, row in enumerate(rows):
        dot = page.locator(".chart .dot").nth(index).bounding_box()
        page.mouse.move(dot["x"] + 4, dot["y"] + 30)
        tip = page.locator(".tip").inner_text().split("\n")
        assert tip == [
            f"iteration {row['iteration']}",
            f"mIoU {row['miou'] * 100:.2f} %",
            f"cost_A {row['cost_a']:.2f} %",
        ]
    page.mouse.move(5, 5)
    page.locator(".segments button").first.focus()
    page.keyboard.press("Tab")
    assert chart.evaluate("node => node === document.activeElement")
    page.keyboard.press("Home")
    assert page.locator(".tip strong").inner_text() == "iteration 0"
    page.keyboard.press("ArrowRight")
    assert page.locator(".tip strong").inner_text() == "iteration 1"


def test_axes_can_be_switched(open_page: OpenPage, served: ServedRun) -> None:
    row = served.json("iterations")["iterations"][0]
    page = open_page()
    page.locator(".segments button").first.focus()
    assert [cost["name"] for cost in row["costs"]][:3] == ["cost_a", "cost_b", "cost_p"]
    for cost in row["costs"][1:]:
        page.keyboard.press("ArrowRight")
        dot = page.locator(".chart .dot").first.bounding_box()
        page.mouse.move(dot["x"] + 4, dot["y"] + 4)
        assert f"{cost['label']} {cost['value']:.2f} %" in page.locator(".tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator(".chart .name").first.text_content() == "iteration"


def test_each_class_has_its_iou_and_markup_in_its_name_stays_text(open_page: OpenPage, served: ServedRun) -> None:
    classes = served.json("model")["classes"]
    values = served.json("iterations")["iterations"][-1]["class_iou"]
    page = open_page()
    rows = page.locator(".classes tbody tr")
    rows.first.wait_for()
    assert rows.count() == len(classes)
    assert rows.first.locator("th").inner_text() == CLASS_MARKUP
    shown = page.locator(".classes .bar-text").all_inner_texts()
    assert shown == ["occurs nowhere" if value is None else f"{value * 100:.1f} %" for value in values]


def test_older_iteration_by_picker_and_by_address(open_page: OpenPage, served: ServedRun) -> None:
    first = served.json("iterations")["iterations"][0]
    page = open_page()
    page.locator(".tile .value").first.wait_for()
    page.get_by_label("Iteration", exact=True).select_option("0")
    page.wait_for_url("**/#/?iteration=0")
    page.get_by_text("first iteration", exact=True).wait_for()
    assert page.locator(".tile .value").first.inner_text() == f"{first['miou'] * 100:.1f} %"
    page.goto(f"{served.url}/#/pool?iteration=77")
    page.get_by_text("No iteration 77").wait_for()
    page.get_by_role("button", name="Show the newest").click()
    page.locator(".pool-card").first.wait_for()


def test_query_can_be_downloaded(open_page: OpenPage, served: ServedRun, tmp_path: Path) -> None:
    page = open_page("#/?iteration=1")
    for text, form in (("Query as CSV", "csv"), ("Query as GeoJSON", "geojson")):
        with page.expect_download() as started:
            page.get_by_role("button", name=text).click()
        started.value.save_as(tmp_path / form)
        assert started.value.suggested_filename == f"query_001.{form}"
        answer = served.client.get("/v1/query", params={"format": form, "iteration": 1})
        assert (tmp_path / form).read_bytes() == answer.content


SLOW_ANSWERS = """
const fetched = window.fetch;
window.fetch = async (...request) => {
  await new Promise((done) => setTimeout(done, 500));
  return fetched(...request);
};
"""


def test_leaving_before_the_first_answer_opens_the_view_that_was_asked_for(open_page: OpenPage) -> None:
    page = open_page()
    page.add_init_script(SLOW_ANSWERS)
    page.reload()
    page.evaluate("location.hash = '#/pool'")
    page.locator("main[data-view=pool]").wait_for()
    assert page.title().startswith("Pool")

"""Nothing to label: the page says what the run does meanwhile, and goes on by itself once it asks again."""

from pathlib import Path

import httpx
from labelling_service import answer_rest, go_on, serve_tasks, write_two_tones
from playwright.sync_api import Browser
from simulated_person import config_text

from raymeta.runs.run_store import RunStore


def test_the_page_follows_a_run_from_the_first_images_to_its_end(browser: Browser, tmp_path: Path) -> None:
    write_two_tones(tmp_path / "data", train=6)
    config = tmp_path / "config.yaml"
    text = config_text(tmp_path / "data", tmp_path / "run", "{kind: people}")
    config.write_text(text.replace("iterations: 2", "iterations: 1"))
    assert not go_on(config)
    store = RunStore(str(tmp_path / "run"))
    with serve_tasks(tmp_path / "run") as url, httpx.Client(base_url=url, timeout=60) as client:
        answer_rest(client)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(30_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url}/#/annotate")
        page.get_by_role("heading", name="Everything is answered").wait_for()
        with store.lock():  # as a run does while it works
            page.get_by_role("heading", name="The network learns now").wait_for()
            assert page.locator(".idle-steps li").evaluate_all("items => items.map((item) => item.dataset.state)") == [
                "now",
                "next",
            ]
            assert "iteration 1 of 1" in page.locator(".lonely p").inner_text()
        page.get_by_role("heading", name="Everything is answered").wait_for()
        assert not go_on(config)
        page.locator("[data-task]").wait_for()  # the query came by itself

        page.goto("about:blank")
        answer_rest(client)
        page.goto(f"{url}/#/annotate")
        page.get_by_role("heading", name="Everything is answered").wait_for()
        assert go_on(config)
        page.get_by_role("heading", name="All done").wait_for()
        miou = client.get("/v1/status").json()["miou"]
        assert f"{100 * miou:.1f} %" in page.locator(".lonely p").inner_text()
        page.close()
    assert complaints == []

"""`/docs` needs no other server, and tells of every route."""

import html
import re

from raymeta.service.http.route_guide import read_routes, render_guide


def test_every_route_is_told_of_with_an_example(client):
    page = client.get("/docs")
    assert page.status_code == 200
    openapi = client.get("/openapi.json").json()
    routes = list(read_routes(openapi))
    assert len(routes) == sum(len(operations) for operations in openapi["paths"].values())
    text = html.unescape(page.text)
    for route in routes:
        assert f"<code>{route.path}</code>" in text
        if route.path.startswith("/v1/") and not route.path.startswith("/v1/hooks"):  # hooks look nothing up
            assert route.example
            assert route.example in text
            assert {"401", "404", "503"} <= {code for code, _ in route.answers}
    assert "joint, metaseg, clicks, entropy, predicted_iou, segmentation" in text
    assert "integer 1..10000" in text


def test_nothing_comes_from_elsewhere(client):
    page = client.get("/docs").text
    assert not re.search(r"<script|src=|@import|url\(|href=\"(?!openapi\.json)", page)


def test_descriptions_are_escaped():
    operation = {"description": "<b>x</b>", "responses": {"200": {"description": "<i>"}}}
    page = render_guide(
        {"info": {"title": "t", "version": "1", "description": "<u>"}, "paths": {"/a": {"get": operation}}}
    )
    assert "<b>x" not in page
    assert "<i>" not in page
    assert "<u>" not in page

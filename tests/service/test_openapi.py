"""The OpenAPI description is what a client's author needs: addresses, names, choices, one form of errors."""

import re

import httpx
import jsonschema
import pytest

from raymeta.service.http.openapi_document import _examples


@pytest.fixture(scope="module")
def openapi(client):
    return client.get("/openapi.json").json()


def operations(openapi):
    return [(path, method, operation) for path, of in openapi["paths"].items() for method, operation in of.items()]


def test_server_and_examples_name_the_address_that_was_asked(client, openapi, url):
    assert [server["url"] for server in openapi["servers"]] == [url]
    for path, _, operation in operations(openapi):
        if path.startswith("/v1/"):
            assert f"{url}{path.split('{')[0]}" in operation["x-codeSamples"][0]["source"]
    assert url in client.get("/docs").text


def test_a_proxy_tells_host_scheme_and_prefix(client):
    sent = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.org", "X-Forwarded-Prefix": "/maps/"}
    assert client.get("/openapi.json", headers=sent).json()["servers"][0]["url"] == "https://example.org/maps"


@pytest.mark.parametrize(
    "header", [{"Host": 'a"b'}, {"X-Forwarded-Prefix": "/a b"}, {"X-Forwarded-Proto": "javascript"}]
)
def test_what_is_no_address_is_passed_over(client, header):
    assert client.get("/openapi.json", headers=header).json()["servers"][0]["url"] == "http://127.0.0.1:8000"


def test_operations_have_short_summaries_and_ids_of_their_own(openapi):
    ids = [operation["operationId"] for _, _, operation in operations(openapi)]
    assert len(set(ids)) == len(ids)
    for path, _, operation in operations(openapi):
        assert re.fullmatch(r"[a-z_]+", operation["operationId"]), path
        assert operation["description"].startswith(operation["summary"])
        assert len(operation["summary"]) <= 100
        assert operation["summary"].lower() != operation["operationId"].replace("_", " ")


def test_offered_strategies_are_none_that_need_ground_truth(client, openapi, png):
    parameters = openapi["paths"]["/v1/boxes"]["post"]["parameters"]
    schema = next(parameter["schema"] for parameter in parameters if parameter["name"] == "strategy")
    offered = next(option["enum"] for option in schema["anyOf"] if "enum" in option)
    assert "metabox_plus" in offered
    assert not {"metabox_plus_star", "entropy_box_plus_star", "full_set"} & set(offered)
    for strategy in ("metabox_plus_star", "full_set"):
        answer = client.post(f"/v1/boxes?strategy={strategy}", content=png, headers={"Content-Type": "image/png"})
        assert answer.status_code == 422


def test_every_error_has_one_form(client, openapi):
    for path, _, operation in operations(openapi):
        for code, answer in operation["responses"].items():
            if code.startswith(("4", "5")) and path.startswith("/v1/"):
                assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorAnswer")
    asked = ["/v1/pool?limit=0&offset=x", "/v1/pool?nonsense=1", "/v1/pool/none", "/nothing", "/v1/model?iteration=-1"]
    for path in asked:
        answer = client.get(path)
        assert answer.status_code in (404, 422)
        assert isinstance(answer.json()["detail"], str)
    assert "/docs" in client.get("/nothing").json()["detail"]
    assert "DELETE" in client.delete("/v1/pool").json()["detail"]
    assert client.delete("/v1/pool").headers["allow"] == "GET"
    both = client.get(asked[0]).json()["detail"]
    assert "limit: " in both
    assert "offset: " in both


def test_head_is_get_without_its_body(client, openapi, run):
    for path in ("/", "/healthz", "/v1/model", "/v1/query?format=csv", "/docs", "/v1/pool/none", "/static/icon.svg"):
        whole, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        for name in ("content-length", "content-type", "etag"):
            assert head.headers.get(name) == whole.headers.get(name), path
    assert client.head("/v1/boxes").status_code == 405


def test_pages_of_other_origins_are_let_in_only_where_they_are_named(client, settings):
    from dataclasses import replace

    from tiny_runs import serving

    from raymeta.service.http.app import create_app
    from raymeta.service.scoring.local_backend import LocalBackend

    origin = {"Origin": "https://example.org"}
    assert "access-control-allow-origin" not in client.get("/v1/model", headers=origin).headers
    open_settings = replace(settings, cors_origins=("https://example.org",), token="secret", access_log=None)
    app = create_app(open_settings, LocalBackend(open_settings))
    with serving(app) as url, httpx.Client(base_url=url, timeout=30) as other:
        asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        assert other.options("/v1/boxes", headers=asked).headers["access-control-allow-origin"] == origin["Origin"]
        refused = other.options("/v1/boxes", headers={**asked, "Origin": "https://other.org"})
        assert "access-control-allow-origin" not in refused.headers
        answer = other.get("/v1/model", headers={**origin, "Authorization": "Bearer secret"})
        assert answer.headers["access-control-allow-origin"] == origin["Origin"]
        assert "X-Raymeta-Iteration" in answer.headers["access-control-expose-headers"]
        assert other.get("/v1/model", headers=origin).status_code == 401


def test_every_reference_leads_somewhere(openapi):
    """Generators of clients stop at one that doesn't."""

    def references(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "$ref":
                    yield value
                elif key != "example":
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    found = set(references(openapi))
    assert "#/components/schemas/ShapeBody" in found
    for reference in found:
        place = openapi
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_every_body_and_answer_has_an_example_that_fits_its_schema(openapi):
    checked = set()
    for _, _, operation in operations(openapi):
        name = operation["operationId"]
        bodies = {"request": operation.get("requestBody", {}).get("content", {})}
        bodies |= {status: answer.get("content", {}) for status, answer in operation["responses"].items()}
        for part, content in bodies.items():
            if "application/json" not in content:
                continue
            said = content["application/json"]
            if (name, part) == ("readyz", "503"):
                continue  # in the form of its good answer
            assert "example" in said, (name, part)
            schema = {**said["schema"], "components": openapi["components"]}
            faults = [fault.message for fault in jsonschema.Draft202012Validator(schema).iter_errors(said["example"])]
            assert faults == [], (name, part)
            checked.add((name, part))
    assert {("lease", "request"), ("put_answer", "201"), ("boxes", "200"), ("accept", "409")} <= checked


def test_examples_are_of_routes_that_are_there(openapi):
    ids = {operation["operationId"] for _, _, operation in operations(openapi)}
    assert set(_examples()) <= ids


def test_examples_have_the_fields_of_real_answers(client, openapi):
    """An example that is forgotten when a field is added would mislead."""
    image_id = client.get("/v1/pool").json()["images"][0]["image_id"]
    paths = {"/v1/pool/{image_id}": f"/v1/pool/{image_id}", "/v1/pool/{image_id}/boxes": f"/v1/pool/{image_id}/boxes"}
    for path in (
        "/v1/model",
        "/v1/iterations",
        "/v1/status",
        "/v1/query",
        "/v1/pool",
        "/v1/tasks/me",
        "/healthz",
        "/readyz",
        *paths,
    ):
        said = openapi["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        assert list(client.get(paths.get(path, path)).json()) == list(said), path


def test_routes_are_grouped(openapi):
    known = [tag["name"] for tag in openapi["tags"]]
    used = [operation["tags"] for _, _, operation in operations(openapi)]
    assert all(len(tags) == 1 for tags in used)
    assert {tags[0] for tags in used} == set(known)
    assert all(operation["responses"] for _, _, operation in operations(openapi))
    assert "Successful Response" not in str(openapi)

"""The client against a service that loses connections and answers 500 and 503."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from raymeta.client import Client, ServiceError

OK = b'{"boxes": [], "iteration": 2, "strategy": "metabox", "box_width": 8}'


class Unreliable(ThreadingHTTPServer):
    """Answers requests with the statuses of `plan`, one after the other, then `content`; 0 closes the connection."""

    def __init__(self) -> None:
        self.plan: list[int] = []
        self.content = OK
        self.seen: list[tuple[str, str, bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Unreliable

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, body))
        status = self.server.plan.pop(0) if self.server.plan else 200
        if status == 0:
            self.close_connection = True
            return
        content = self.server.content if status == 200 else b'{"detail": "reason %d"}' % status
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Unreliable]:
    unreliable = Unreliable()
    thread = threading.Thread(target=unreliable.serve_forever, daemon=True)
    thread.start()
    yield unreliable
    unreliable.shutdown()
    unreliable.server_close()


@pytest.fixture
def client(server: Unreliable) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{server.server_port}", deadline_s=5) as found:
        yield found


@pytest.mark.parametrize("plan", [[500], [502], [503, 503], [504], [0], [0, 503, 0, 500]])
def test_lost_and_busy_calls_are_sent_again_with_the_same_body(server, client, plan):
    server.plan = list(plan)
    assert client.boxes(b"image bytes", k=4).iteration == 2
    assert len(server.seen) == len(plan) + 1
    assert len({body for _, _, body in server.seen}) == 1
    assert b"image bytes" in server.seen[0][2]
    assert server.seen[-1][:2] == ("POST", "/v1/boxes?k=4")


def test_fields_that_a_later_service_adds_are_left_out(server, client):
    box = {"rank": 0, "top": 1, "left": 2, "width": 8, "score": 0.5, "estimated_clicks": 3, "unlabelled_pixels": 64}
    answer = {"boxes": [box | {"path": "a.png", "gain": {"x": 1}}], "iteration": 2, "strategy": "metabox"}
    server.content = json.dumps(answer | {"box_width": 8, "later": []}).encode()
    (found,) = client.boxes(b"image").boxes
    assert vars(found) == box | {"predicted_class": None, "class_name": None, "rings": ()}  # told of parts alone
    segment = {"segment_id": 4, "class_id": 1, "class_name": "road", "predicted_iou": None, "size": 12}
    more = {"polygon": [[[0, 0], [4, 0], [4, 3]]], "entropy": 0.25, "later": "text", "box": {"top": 0}}
    server.content = json.dumps({"segments": [segment | more], "total": 1, "iteration": 2}).encode()
    (kept,) = client.segments(b"image").segments
    assert {name: getattr(kept, name) for name in segment} == segment
    assert (kept.metrics, kept.rings[0].tolist()) == ({"entropy": 0.25}, [[0, 0], [4, 0], [4, 3]])


@pytest.mark.parametrize("status", [400, 401, 404, 413, 415, 422])
def test_a_refused_call_is_not_sent_again(server, client, status):
    server.plan = [status]
    with pytest.raises(ServiceError, match=f"{status}: reason {status}") as caught:
        client.pool_boxes("a/b ?c")
    assert caught.value.status == status
    assert [path for _, path, _ in server.seen] == ["/v1/pool/a%2Fb%20%3Fc/boxes?k=20"]


def test_it_gives_up_at_the_deadline_with_the_last_answer(server):
    server.plan = [500] * 1000
    with (
        Client(f"http://127.0.0.1:{server.server_port}", deadline_s=0.6) as client,
        pytest.raises(ServiceError, match="500: reason 500"),
    ):
        client.model()
    assert 2 <= len(server.seen) <= 12


def test_no_service_at_all_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        with (
            Client(f"http://127.0.0.1:{taken.getsockname()[1]}", deadline_s=0.3) as client,
            pytest.raises(ServiceError, match=r"no answer within 0\.3 s: ConnectError") as caught,
        ):
            client.model()
    assert caught.value.status is None

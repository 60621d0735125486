"""Servers that are away, busy, moved, slow, or something else altogether: an error that says so, never a traceback."""

import shutil
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from raymeta.annotation_servers.rest_client import MissingError, RestClient, ServerError, checked_token, server_url


class Handler(BaseHTTPRequestHandler):
    """Answers as its server's list says, one after the other; the last one again and again."""

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        answers = self.server.answers
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        if status == 0:
            self.connection.close()
            return
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        for piece in body if isinstance(body, list) else [body]:
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(0.3 if isinstance(body, list) else 0)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.seen, found.answers = [], [(200, {}, b'{"ok": 1}')]
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def client(server, scheme="http", **options):
    url = f"{scheme}://127.0.0.1:{server.server_port}"
    options = {"pause_s": 0.001, "timeout_s": 2, "attempts": 3} | options
    return RestClient(url, "Tool", lambda fresh: "Token secret-word", "TOOL_TOKEN", **options)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((302, {"Location": "https://elsewhere.example.org/login"}, b""), ["elsewhere.example.org"]),
        ((200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"), ["web page"]),
        ((200, {}, b"{"), ["Tool"]),
        ((200, {}, b"[" * 200_000), ["Tool"]),
        ((400, {}, b'{"detail": "no such \\u001b[31mlabel"}'), ["400", "no such"]),
        ((401, {}, b"{}"), ["TOOL_TOKEN"]),
        ((403, {"Content-Type": "text/html"}, b"<html>" + b"x" * 10**6), ["TOOL_TOKEN"]),
        ((500, {}, b"\xff" * 1000), ["500"]),
        ((503, {"Retry-After": "0"}, b"{}"), ["503"]),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), ["compressed"]),
        ((200, {"Content-Length": "100"}, b"{}"), ["broke off"]),
        ((0, {}, b""), ["can't be reached"]),
    ],
)
def test_odd_answers_are_told(server, answer, words):
    server.answers = [answer]
    with pytest.raises(ServerError) as error, client(server) as rest:
        rest.get("/api/thing")
    assert all(word in str(error.value) for word in words)
    assert str(error.value).isprintable()
    assert "secret-word" not in str(error.value)


def test_what_only_reads_is_repeated_and_what_changes_things_isnt(server):
    server.answers = [(0, {}, b""), (503, {}, b"{}"), (200, {}, b'{"ok": 1}')]
    with client(server) as rest:
        assert rest.get("/a") == {"ok": 1}
        assert len(server.seen) == 3
        server.answers = [(0, {}, b""), (200, {}, b"{}")]
        with pytest.raises(ServerError):
            rest.call("POST", "/b")
        assert len(server.seen) == 4
        server.answers = [(429, {}, b"{}"), (200, {}, b"{}")]
        assert rest.call("POST", "/b") == {}


def test_a_missing_thing_has_an_error_of_its_own(server):
    server.answers = [(404, {}, b'{"detail": "Not found."}')]
    with pytest.raises(MissingError), client(server) as rest:
        rest.get("/api/tasks/1")


def test_a_server_that_is_away_or_never_ends_is_given_up(server):
    server.answers = [(200, {}, [b"["] + [b"1,"] * 100)]
    with pytest.raises(ServerError, match="slowly"), client(server, answer_s=0.05, attempts=1) as rest:
        rest.get("/drip")
    server.shutdown()
    server.server_close()
    with pytest.raises(ServerError, match="can't be reached"), client(server) as rest:
        rest.get("/")


def test_a_download_is_bounded(server, tmp_path):
    server.answers = [(200, {}, b"x" * 5000)]
    with client(server) as rest:
        with pytest.raises(ServerError, match="more than"):
            rest.download("/file", tmp_path / "a", 4999)
        rest.download("/file", tmp_path / "b", 5000)
    assert (tmp_path / "b").read_bytes() == b"x" * 5000


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_a_self_signed_certificate_is_told_and_trusted_where_it_is_named(server, tmp_path, monkeypatch):
    names = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names, *subject], check=True,
                   capture_output=True)  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(ServerError, match="SSL_CERT_FILE"), client(server, "https") as rest:
        rest.get("/")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    with client(server, "https") as rest:
        assert rest.get("/") == {"ok": 1}


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://a", "http://", "http://a:b@c", "http://a:99999", "http://a?b", "http://[::1"]
)
def test_no_addresses(url):
    with pytest.raises(ServerError):
        server_url(url)


@pytest.mark.parametrize("token", [None, "", " ", "a\nb", "naïve", "two words"])
def test_no_tokens(token):
    with pytest.raises(ServerError) as error:
        checked_token(token, "VARIABLE", "Tool")
    assert "naïve" not in str(error.value)

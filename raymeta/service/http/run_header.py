"""Which run answers: a page of another run at the same address must neither show nor change this one."""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from raymeta.service.http.http_answers import refused_response
from raymeta.service.http.refusals import RequestRefusedError

RUN_HEADER: Final = "X-Raymeta-Run"


class RunHeader:
    """ASGI middleware: every answer of /v1 names the run; a request that names another one is refused.

    Args:
        app: that answers.
        run_key: of the run, as `raymeta.runs.run_format.run_key` gives it.
    """

    def __init__(self, app: ASGIApp, run_key: str) -> None:
        self._app = app
        self._run_key = run_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 412."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[RUN_HEADER] = self._run_key
            await send(message)

        asked = Headers(scope=scope).get(RUN_HEADER)
        if asked is None or asked == self._run_key:
            await self._app(scope, receive, send_named)
            return
        refusal = RequestRefusedError(
            412, f"another run than {asked[:40]!r} is served here now: reload the page, or leave {RUN_HEADER} out"
        )
        await refused_response(refusal)(scope, receive, send_named)

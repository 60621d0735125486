"""The annotation server of a name, with the token that the environment holds for it."""

from collections.abc import Mapping
from typing import Any

from raymeta.annotation_servers.annotation_server import AnnotationServer
from raymeta.annotation_servers.cvat_server import TOKEN_VARIABLE as CVAT_TOKEN
from raymeta.annotation_servers.cvat_server import CvatServer
from raymeta.annotation_servers.label_studio_server import TOKEN_VARIABLE as LABEL_STUDIO_TOKEN
from raymeta.annotation_servers.label_studio_server import LabelStudioServer
from raymeta.annotation_servers.rest_client import ServerError

TOKENS = {"label-studio": LABEL_STUDIO_TOKEN, "cvat": CVAT_TOKEN}


def open_server(tool: str, url: str, environment: Mapping[str, str], **options: Any) -> AnnotationServer:
    """A server that isn't asked anything yet.

    Args:
        tool: `label-studio` or `cvat`.
        url: of the server.
        environment: that holds the token.
        options: of the server.

    Raises:
        ServerError: no address, no token, or an unknown tool.
    """
    token = environment.get(TOKENS.get(tool, ""))
    if tool == "label-studio":
        return LabelStudioServer(url, token, **options)
    if tool == "cvat":
        return CvatServer(url, token, **options)
    raise ServerError(f"tool {tool!r} is unknown: choose one of {', '.join(TOKENS)}")

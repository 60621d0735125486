"""Webhooks of CVAT: signed hints that a job has changed."""

import hashlib
import hmac
import json
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from raymeta.service.http.answers import ErrorAnswer
from raymeta.service.http.pull_hints import PullHints
from raymeta.service.http.refusals import RequestRefusedError, unprocessable
from raymeta.service.http.route_documents import HERE, sample
from raymeta.service.http.uploads import bounded_stream

SECRET_VARIABLE: Final = "RAYMETA_CVAT_SECRET"
MAX_HOOK_BYTES: Final = 1 << 20

SAMPLE: Final = (
    'body=\'{"event": "update:job"}\'\n'
    'signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$RAYMETA_CVAT_SECRET" -r | cut -d\' \' -f1)\n'
    f'curl -s -d "$body" -H "X-Signature-256: sha256=$signature" {HERE}/v1/hooks/cvat'
)

router = APIRouter(prefix="/v1/hooks", tags=["annotation servers"])


class HintAnswer(BaseModel):
    """What follows from a hook."""

    model_config = ConfigDict(frozen=True)

    detail: str = Field(description="what follows from it")


@router.post(
    "/cvat",
    status_code=202,
    responses={
        401: {"model": ErrorAnswer, "description": "no valid X-Signature-256"},
        403: {"model": ErrorAnswer, "description": f"the service has no {SECRET_VARIABLE}"},
        413: {"model": ErrorAnswer, "description": "too many bytes"},
        422: {"model": ErrorAnswer, "description": "no event"},
    },
    openapi_extra=sample(SAMPLE),
)
async def cvat_hook(request: Request) -> HintAnswer:
    """CVAT's webhook for `update:job` and `update:task`, signed by its secret: completed jobs are pulled."""
    secret: str | None = request.app.state.cvat_secret
    if not secret:
        raise RequestRefusedError(
            403, f"hooks are off: start the service with the webhook's secret in {SECRET_VARIABLE}"
        )
    body = b"".join([chunk async for chunk in bounded_stream(request, MAX_HOOK_BYTES)])
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    sent = request.headers.get("x-signature-256", "")
    if not hmac.compare_digest(expected.encode(), sent.encode("latin-1", "replace")):
        raise RequestRefusedError(
            401, f"X-Signature-256 doesn't fit the body: give CVAT the secret of {SECRET_VARIABLE}"
        )
    try:
        content = json.loads(body)
        event = content["event"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise unprocessable("the body isn't an event of CVAT") from None
    if event not in ("update:job", "update:task"):
        return HintAnswer(detail="nothing to pull")
    pulls: PullHints = request.app.state.pull_hints
    return HintAnswer(detail=pulls.hint("cvat"))

"""Keys of `trackers` and `notify`: who else is told of a run."""

import re
from typing import Any, Final, Literal, get_args

from pydantic import Field, field_validator, model_validator

from raymeta.config.section import Location, Section

TrackerKind = Literal["tensorboard", "mlflow", "wandb"]
NotifyEvent = Literal["waits", "finished", "failed"]
MAX_NOTIFY_S: Final = 600.0
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*")


class TrackerConfig(Section):
    """One tracker; a kind alone stands for `{kind: …}`."""

    kind: TrackerKind = Field(description="what the numbers are sent to")
    location: Location | None = Field(
        None,
        description="tensorboard, wandb: folder of its files (RUN/tensorboard, RUN/wandb); mlflow: tracking URI, or a "
        "folder (MLFLOW_TRACKING_URI, else RUN/mlruns)",
    )
    project: str = Field("raymeta", min_length=1, max_length=128, description="experiment of mlflow, project of wandb")

    @model_validator(mode="before")
    @classmethod
    def _a_kind_alone(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value


class NotifyConfig(Section):
    """Whom a run tells that people are needed, or that it ended."""

    command: list[str] = Field(
        default_factory=list, description="program and its arguments; reads what happened as JSON on standard input"
    )
    webhook: str | None = Field(
        None, description="URL that gets the JSON by POST; ${NAME} is read from the environment"
    )
    headers: list[str] = Field(
        default_factory=list, description="of the webhook, as in 'Authorization: Bearer ${TOKEN}'"
    )
    events: list[NotifyEvent] = Field(
        default_factory=lambda: list(get_args(NotifyEvent)), min_length=1, description="what is told"
    )
    timeout_s: float = Field(10.0, gt=0, le=MAX_NOTIFY_S, description="seconds that telling may take")

    @field_validator("webhook")
    @classmethod
    def _a_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://", "${")):
            raise ValueError("webhook isn't a URL: begin it with https:// or http://, or name a variable as ${NAME}")
        return value

    @field_validator("headers")
    @classmethod
    def _headers(cls, values: list[str]) -> list[str]:
        wrong = [value.partition(":")[0] for value in values if not _HEADER.fullmatch(value)]
        if wrong:
            raise ValueError(f"{wrong} aren't headers: write each as 'Name: value'")
        return values

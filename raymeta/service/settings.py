"""What a service is started with."""

from dataclasses import dataclass

from raymeta.config import DatasetConfig


@dataclass(frozen=True)
class ServiceSettings:
    """One run served over HTTP; plain values, so that every replica can be sent them.

    run: run folder, a path or URI. dataset_root: in place of the config's; None keeps it. token: bearer token that /v1
    asks for; None leaves it open. max_body_bytes: of an upload, all parts together. max_pixels: of an uploaded image.
    poll_s: seconds between two looks for a new iteration. kept_iterations: loaded beside the live one, for
    `?iteration=N`. cache_bytes: maps kept for the next request of the same image. threads: CPU threads of a network
    pass. access_log: file that gets one JSON line a request; None writes to stderr. annotators: file of the people who
    may answer tasks. local_person: whether whoever reaches the service may answer without a token: only where it
    listens at this machine alone. lease_s: seconds that a task stays in a person's hands without a renewal.
    cors_origins: origins, as https://example.org, whose pages may read answers in a browser; * is any.
    """

    run: str
    dataset_root: str | None = None
    token: str | None = None
    max_body_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 4_194_304
    poll_s: float = 2.0
    kept_iterations: int = 2
    cache_bytes: int = 128 * 1024 * 1024
    threads: int = 2
    access_log: str | None = None
    annotators: str | None = None
    local_person: bool = False
    lease_s: float = 1800.0
    cors_origins: tuple[str, ...] = ()

    def dataset(self, config: DatasetConfig) -> DatasetConfig:
        """The run's data set, at the place that the service was told."""
        return config if self.dataset_root is None else config.model_copy(update={"root": self.dataset_root})


@dataclass(frozen=True)
class ServingLayout:
    """replicas: scoring replicas at most, started as requests pile up. ingresses: HTTP processes, two so that one may
    die. queued: requests that may wait at each ingress; more are answered 503.
    """

    replicas: int = 1
    ingresses: int = 2
    queued: int = 32

"""Prometheus metrics of one HTTP process, and their union over the processes of a service."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from raymeta.service.scoring.scoring_request import ReplicaStatus

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ServiceMetrics:
    """Counts of one process; `ingress` names it in every series, so that each series only ever grows."""

    def __init__(self, ingress: str) -> None:
        self.registry = CollectorRegistry()
        self._ingress = ingress
        self._requests = Counter(
            "raymeta_requests", "Requests", ("ingress", "method", "route", "status"), registry=self.registry
        )
        self._request_seconds = Histogram(
            "raymeta_request_seconds", "Whole requests", ("ingress", "route"), buckets=SECONDS, registry=self.registry
        )
        self._stage_seconds = Histogram(
            "raymeta_stage_seconds",
            "Stages of scoring: decode, network, score, render; wait is the rest: queue and transport",
            ("ingress", "stage"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._cached = Counter(
            "raymeta_cached_maps", "Maps answered from the score cache", ("ingress",), registry=self.registry
        )

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One finished request; route: the template, never the path."""
        self._requests.labels(self._ingress, method, route, str(status)).inc()
        self._request_seconds.labels(self._ingress, route).observe(seconds)

    def observe_stages(self, seconds: Mapping[str, float], cached: bool) -> None:
        """Seconds of each stage of one scored image."""
        for stage, value in seconds.items():
            self._stage_seconds.labels(self._ingress, stage).observe(value)
        if cached:
            self._cached.labels(self._ingress).inc()

    def text(self) -> str:
        """In Prometheus' text format."""
        return generate_latest(self.registry).decode()


def metrics_text(processes: Iterable[str], replicas: Iterable[ReplicaStatus]) -> str:
    """The series of all HTTP processes, and what each scoring replica serves."""
    families: dict[str, Metric] = {}
    for text in processes:
        for family in text_string_to_metric_families(text):
            if family.name.endswith("_created"):
                continue  # when a series began: of no use here, and as many lines again
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type)).samples.extend(
                family.samples
            )
    registry = CollectorRegistry()
    live = Gauge("raymeta_live_iteration", "Iteration that a replica serves", ("replica",), registry=registry)
    refused = Gauge("raymeta_refused_bundles", "Iterations that a replica refused", ("replica",), registry=registry)
    for status in replicas:
        if status.iteration is not None:
            live.labels(status.replica).set(status.iteration)
        refused.labels(status.replica).set(len(status.refused))
    registry.register(_Collected(families.values()))
    return generate_latest(registry).decode()


class _Collected:
    """Metrics that were collected elsewhere."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Any:
        """The families, for a registry."""
        return self._families

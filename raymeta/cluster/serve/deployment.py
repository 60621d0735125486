"""Ray Serve: HTTP processes apart from the replicas that score, so that neither waits for the other."""

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ray import serve
from ray.serve import Application

from raymeta.cluster.connection import cluster_gpus
from raymeta.cluster.serve.backend import INGRESS, ServeBackend
from raymeta.cluster.serve.scoring_replica import SCORING, ScoringReplica
from raymeta.cluster.serve.task_replica import TASKS, TaskReplica
from raymeta.errors import InputError
from raymeta.labels.annotator_list import ANNOTATORS_VARIABLE
from raymeta.service.http.access_token import TOKEN_VARIABLE
from raymeta.service.settings import ServiceSettings, ServingLayout

MAX_ONGOING = 3
"""Requests that a replica works on: one in the network, one being scored, one whose bytes travel."""


class PriorityMapIngress:
    """One HTTP process; its app is built where it runs, see `priority_map_service`.

    scoring, tasks: make Serve deploy the replicas with this; the app reaches them by name.
    """

    def __init__(self, scoring: Any, tasks: Any) -> None:
        self.scoring, self.tasks = scoring, tasks

    def metrics_text(self) -> str:
        """Prometheus text of this process alone, for the ingress that was asked for all of them."""
        return str(self.app.state.service.metrics.text())  # type: ignore[attr-defined]


def priority_map_service(settings: ServiceSettings, layout: ServingLayout, use_gpu: bool) -> Application:
    """The Serve application of one run."""

    def build_app() -> Any:
        from raymeta.service.http.app import create_app

        context = serve.get_replica_context()
        backend = ServeBackend(context.app_name)
        return create_app(settings, backend, context.replica_id.unique_id, tasks=backend)

    scoring = serve.deployment(
        name=SCORING,
        max_ongoing_requests=MAX_ONGOING,
        max_queued_requests=layout.queued,
        ray_actor_options={"num_gpus": 1, "num_cpus": 1} if use_gpu else {"num_cpus": 1},
        health_check_period_s=5,
        graceful_shutdown_timeout_s=10,
        **_scaling(layout.replicas),
    )(ScoringReplica)
    tasks = serve.deployment(
        name=TASKS,
        num_replicas=1,
        max_ongoing_requests=64,
        max_queued_requests=1000,
        ray_actor_options={"num_cpus": 0.1},
        health_check_period_s=5,
        graceful_shutdown_timeout_s=10,
    )(TaskReplica)
    ingress = serve.deployment(
        name=INGRESS,
        num_replicas=layout.ingresses,
        max_ongoing_requests=256,
        ray_actor_options={"num_cpus": 0.1},
        health_check_period_s=5,
        graceful_shutdown_timeout_s=10,
    )(serve.ingress(build_app)(PriorityMapIngress))
    return ingress.bind(scoring.bind(settings), tasks.bind(settings))


def build(arguments: Mapping[str, Any]) -> Application:
    """Builder for `serve run` and `serve deploy`: `args` of the application are fields of ServiceSettings and
    ServingLayout; without `token` and `annotators` the environment's RAYMETA_TOKEN and RAYMETA_ANNOTATORS count.

    Raises:
        ValueError: no run, or unknown arguments.
    """
    known = {kind: {field.name for field in fields(kind)} for kind in (ServiceSettings, ServingLayout)}
    unknown = sorted(set(arguments) - set().union(*known.values()))
    if unknown or "run" not in arguments:
        allowed = ", ".join(sorted(set().union(*known.values())))
        raise InputError(f"args {unknown or 'without run'}: give run, and none but {allowed}")
    chosen = {kind: {k: v for k, v in arguments.items() if k in names} for kind, names in known.items()}
    token, annotators = os.environ.get(TOKEN_VARIABLE) or None, os.environ.get(ANNOTATORS_VARIABLE) or None
    settings = ServiceSettings(**{"token": token, "annotators": annotators, **chosen[ServiceSettings]})
    return priority_map_service(settings, ServingLayout(**chosen[ServingLayout]), cluster_gpus() > 0)


def _scaling(replicas: int) -> dict[str, Any]:
    if replicas == 1:
        return {"num_replicas": 1}
    autoscaling = {
        "min_replicas": 1,
        "max_replicas": replicas,
        "target_ongoing_requests": 2,
        "upscale_delay_s": 5,
        "downscale_delay_s": 120,
    }
    return {"autoscaling_config": autoscaling}

"""`serve run serve.priority_map_app:build run=RUN`, from the root of the repository; see configs/serve/."""

from raymeta.cluster.serve.deployment import build

__all__ = ["build"]

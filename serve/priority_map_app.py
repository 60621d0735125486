"""`serve run serve.priority_map_app:build run=RUN`, from the root of the repository; see configs/serve/."""

from raymeta.cluster.serving import build

__all__ = ["build"]

"""One request with everything that answers it: loaded iteration, decoded image, choices, and the time it takes."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.acquisition.pool_scoring import ImageScore, score_image
from raymeta.boxes import check_box_width
from raymeta.loop.image_scorer import ImageScorer, Softmax
from raymeta.loop.query_choice import query_table
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.service.http.refusals import unprocessable
from raymeta.service.scoring.proposal_rows import proposal_rows
from raymeta.service.scoring.rendering import render_map
from raymeta.service.scoring.score_cache import Maps, ScoreCache
from raymeta.service.scoring.score_choice import ScoreChoice
from raymeta.service.scoring.scoring_request import ScoringAnswer, ScoringRequest
from raymeta.service.scoring.segment_rows import segment_rows

JSON = "application/json"


@dataclass(frozen=True)
class PreparedImage:
    """pixels: (H, W, 3) uint8 RGB. labelled: (H, W) bool or None. name: pool id, or the digest of an upload.

    key: names the content, mask included.
    """

    key: str
    name: str
    pixels: NDArray[np.uint8]
    labelled: NDArray[np.bool_] | None


@dataclass(frozen=True)
class ScoringJob:
    """scorer: of the iteration that `fingerprint` names. seconds: filled while the job is done."""

    request: ScoringRequest
    iteration: int
    fingerprint: str
    scorer: ImageScorer
    choice: ScoreChoice
    image: PreparedImage
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage takes."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - start

    def facts(self) -> dict[str, Any]:
        """What an answer says of how it was made."""
        height, width = self.image.pixels.shape[:2]
        return {
            "iteration": self.iteration,
            "strategy": self.choice.strategy.name,
            "box_width": self.choice.box_width,
            "clicks_priority": self.choice.clicks_priority if self.choice.strategy.uses_clicks else None,
            "height": height,
            "width": width,
        }

    def softmax(self) -> Softmax:
        """(C, H, W) float32 of the image, where the network ran."""
        with self.timed("network"):
            return self.scorer.softmax(self.image.pixels)

    def score(self, softmax: Softmax, *, limit: int | None, keep_maps: bool) -> ImageScore:
        """`score_image` of the job's image."""
        oracle = self.scorer.oracle
        true_clicks = self.choice.strategy.true_clicks
        acquisition = self.scorer.config.acquisition
        with self.timed("score"):
            return score_image(
                softmax,
                strategy=self.choice.strategy,
                box_width=self.choice.box_width,
                seed=self.scorer.config.seed,
                iteration=self.iteration,
                image_id=self.image.name,
                regressor=self.scorer.regressor,
                labelled_mask=self.image.labelled,
                true_vertex_map=oracle.scene(self.image.name).vertex_map() if true_clicks else None,
                epsilon=acquisition.epsilon,
                clicks_priority=self.choice.clicks_priority,
                clicks_max=self.choice.clicks_max,
                query_size=limit,
                keep_maps=keep_maps,
                class_weights=self.scorer.class_weights,
                cost_regressor=self.scorer.cost_regressor,
                **self._parts(),
            )

    def _parts(self) -> dict[str, Any]:
        """What `score_image` needs besides where parts of tiles are proposed."""
        if self.choice.unit not in ("segment", "superpixel"):
            return {}
        superpixels = self.scorer.superpixels_of(self.image.pixels)
        return {"segments": self.scorer.config.acquisition.segments, "superpixels": superpixels}


def answer_job(job: ScoringJob, cache: ScoreCache) -> ScoringAnswer:
    """Do a job.

    Raises:
        RequestRefusedError: 422, an image that is too small for a box, or too large for JSON.
    """
    if job.request.work == "segments":
        return _segments(job)
    try:
        check_box_width(job.choice.box_width, *job.image.pixels.shape[:2])
    except ValueError as error:
        raise unprocessable(str(error)) from error
    return _map(job, cache) if job.request.work == "map" else _boxes(job)


def _map(job: ScoringJob, cache: ScoreCache) -> ScoringAnswer:
    key = (job.iteration, job.fingerprint, job.choice, job.image.key)
    kept = cache.get(key)
    maps = _fresh_maps(job) if kept is None else kept
    if kept is None:
        cache.put(key, maps)
    name = job.request.map_name
    facts = job.facts()
    with job.timed("render"):
        palette = job.scorer.dataset.palette
        rendered = render_map(
            name, maps[name], job.request.map_format, job.image.pixels, palette, {**facts, "name": name}
        )
    headers = _headers(facts) | {"X-Raymeta-Scale": repr(rendered.scale)}
    return ScoringAnswer(
        200, rendered.content, rendered.media_type, job.iteration, headers, job.seconds, kept is not None
    )


def _fresh_maps(job: ScoringJob) -> Maps:
    # One candidate is enough: only the maps are shown.
    maps = job.score(job.softmax(), limit=1, keep_maps=True).maps or {}
    return {name: values for name, values in maps.items() if name != "estimated_clicks"}


def _boxes(job: ScoringJob) -> ScoringAnswer:
    choice = job.choice
    candidates = job.score(job.softmax(), limit=job.request.limit, keep_maps=False).candidates
    asked = min(choice.box_width, job.scorer.config.acquisition.point_width) if choice.unit == "point" else None
    query = query_table(candidates, choice.box_width, asked)
    rows = proposal_rows(query, job.image.pixels.shape[:2], job.scorer.dataset.class_names)
    return _json_answer(job, {"unit": choice.unit, "boxes": rows})


def _segments(job: ScoringJob) -> ScoringAnswer:
    softmax = job.softmax()
    with job.timed("score"):
        segments, table = segment_metrics(softmax)
        predicted = None if job.scorer.regressor is None else job.scorer.regressor.predict(table)
    with job.timed("render"):
        names = job.scorer.dataset.class_names
        rows = segment_rows(segments, table, predicted, names, job.request.limit, job.request.min_size)
    return _json_answer(job, {"total": segments.count, "segments": rows})


def _json_answer(job: ScoringJob, values: Mapping[str, Any]) -> ScoringAnswer:
    facts = job.facts()
    content = json.dumps({**facts, **values}, separators=(",", ":"), allow_nan=False).encode()
    return ScoringAnswer(200, content, JSON, job.iteration, _headers(facts), job.seconds)


def _headers(facts: Mapping[str, Any]) -> dict[str, str]:
    return {"X-Raymeta-Strategy": str(facts["strategy"]), "X-Raymeta-Box-Width": str(facts["box_width"])}

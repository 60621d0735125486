"""The scoring side of the service: a request in, a finished response body out, by the one chain `score_image`."""

import hashlib
import json
import time

import numpy as np
import torch

from raymeta.datasets.image_files import decode_image
from raymeta.datasets.registry import open_existing
from raymeta.datasets.sample import DatasetError
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iteration_bundle import read_bundle
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import read_split
from raymeta.service.http.refusals import BackendBusyError, RequestRefusedError, not_found, unprocessable
from raymeta.service.scoring.bundle_cache import BundleCache, BundleRefusedError, Loaded
from raymeta.service.scoring.score_cache import ScoreCache
from raymeta.service.scoring.score_choice import Abilities, ScoreChoice
from raymeta.service.scoring.scoring_job import JSON, PreparedImage, ScoringJob, answer_job
from raymeta.service.scoring.scoring_request import ReplicaStatus, ScoringAnswer, ScoringRequest
from raymeta.service.settings import ServiceSettings

WARM_UP_SIDE = 32
"""Least side of the image that a bundle is tried with."""


class RequestScorer:
    """Everything that one replica needs to answer requests; several threads may ask.

    Raises:
        RunError, DatasetError: no run, or its data set is not there.
    """

    def __init__(self, settings: ServiceSettings, device: torch.device, replica: str = "0") -> None:
        self._store = RunStore(settings.run)
        self._config = self._store.load_config()
        self._device = device
        self._replica = replica
        self._dataset = open_existing(settings.dataset(self._config.dataset), self._config.seed)
        self._pool = frozenset(read_split(self._store).pool)
        self._cache = ScoreCache(settings.cache_bytes)
        self.cache = BundleCache(self._store, self._load, settings.kept_iterations)
        self.cache.refresh()

    def status(self) -> ReplicaStatus:
        """What this replica serves."""
        live = self.cache.live
        return ReplicaStatus(self._replica, None if live is None else live.iteration, self.cache.refused)

    def answer(self, request: ScoringRequest) -> ScoringAnswer:
        """Answer one request; one that can't be answered gives a 4xx, or a 503, that tells why."""
        iteration = None
        try:
            loaded = self._find(request.iteration)
            iteration = loaded.iteration
            return self._answer(request, loaded)
        except RequestRefusedError as refusal:
            return _refused(refusal, iteration)
        except DatasetError as error:  # ground truth of a `_star` strategy
            return _refused(not_found(f"the data set can't be read any more: {error}"), iteration)

    def _answer(self, request: ScoringRequest, loaded: Loaded[ImageScorer]) -> ScoringAnswer:
        choice = abilities(loaded.scorer).choose(request)
        start = time.perf_counter()
        image = self._prepare(request, loaded.scorer, choice)
        seconds = {"decode": time.perf_counter() - start}
        job = ScoringJob(request, loaded.iteration, loaded.fingerprint, loaded.scorer, choice, image, seconds)
        return answer_job(job, self._cache)

    def _load(self, iteration: int) -> ImageScorer:
        """Load an iteration and score a grey image with it: what can't score is found before it goes live."""
        scorer = ImageScorer(self._config, self._dataset, read_bundle(self._store, iteration), self._device)
        side = max(WARM_UP_SIDE, self._config.acquisition.box_width)
        image = PreparedImage("", "warm-up", np.full((side, side, 3), 128, dtype=np.uint8), None)
        able = abilities(scorer)
        for name in able.strategies():
            request = ScoringRequest("boxes", image=b"", strategy=name)
            job = ScoringJob(request, iteration, "", scorer, able.choose(request), image)
            job.score(job.softmax(), limit=1, keep_maps=True)
        return scorer

    def _find(self, iteration: int | None) -> Loaded[ImageScorer]:
        if iteration is None:
            live = self.cache.live
            if live is None:
                raise BackendBusyError("the run has no finished iteration yet: ask again later", retry_after_s=10)
            return live
        try:
            found = self.cache.find(iteration)
        except BundleRefusedError as error:
            raise not_found(f"iteration {iteration} can't be loaded: {error}") from error
        if found is None:
            known = ", ".join(map(str, self.cache.servable())) or "none yet"
            raise not_found(f"iteration {iteration} isn't finished: choose one of {known}")
        return found

    def _prepare(self, request: ScoringRequest, scorer: ImageScorer, choice: ScoreChoice) -> PreparedImage:
        """Decode an upload, or read a pool image and its labelled regions.

        Raises:
            RequestRefusedError: 422 an upload that can't be decoded, 404 no readable pool image.
        """
        if request.image_id is not None:
            return self._pool_image(request.image_id, scorer, choice)
        digest = hashlib.sha256(request.image or b"")
        name = f"upload:{digest.hexdigest()}"
        try:
            pixels = decode_image(request.image or b"", "image")
            if request.labelled_mask is None:
                return PreparedImage(name, name, pixels, None)
            labelled = np.asarray(decode_image(request.labelled_mask, "labelled_mask").any(axis=2))
        except DatasetError as error:
            raise unprocessable(str(error)) from error
        digest.update(request.labelled_mask)
        return PreparedImage(f"masked:{digest.hexdigest()}", name, pixels, labelled)

    def _pool_image(self, image_id: str, scorer: ImageScorer, choice: ScoreChoice) -> PreparedImage:
        if image_id not in self._pool:
            raise not_found(f"image {image_id[:200]!r} isn't in the pool: GET /v1/pool lists the images")
        try:
            pixels = self._dataset.image(image_id)
        except DatasetError as error:
            raise not_found(f"image {image_id!r} can't be read any more: {error}") from error
        # What got no label, as a mixed part, isn't proposed again either; maps and boxes show it.
        mask = scorer.bundle.regions.mask if choice.unit == "box" else scorer.asked_mask
        labelled = mask(image_id, *pixels.shape[:2])
        return PreparedImage(f"pool:{image_id}", image_id, pixels, labelled)


def _refused(refusal: RequestRefusedError, iteration: int | None) -> ScoringAnswer:
    content = json.dumps({"detail": refusal.detail}).encode()
    return ScoringAnswer(refusal.status, content, JSON, iteration, refusal.headers)


def abilities(scorer: ImageScorer) -> Abilities:
    """What an iteration can be asked for."""
    return Abilities(scorer.config.acquisition, scorer.regressor is not None, scorer.bundle.clicks_max)

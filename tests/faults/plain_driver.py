"""The loop without Ray: the same stages, networks, scores and files in one process that forks within milliseconds.

So that a driver can be killed at each of its writes. Reads JSON lines `{config, overrides, log, kill_at, mode}`; for
each it forks a child that runs, or resumes, the experiment and dies at its `kill_at`-th write; answers with the
child's exit status.
"""

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from raymeta.acquisition.box_selection import BoxMerge
from raymeta.annotation.oracle import Oracle
from raymeta.cluster.active_learning import run_iterations
from raymeta.cluster.progress import RunProgress
from raymeta.cluster.session import Session
from raymeta.config import load_config
from raymeta.datasets.registry import open_dataset
from raymeta.experiment.check import experiment_split
from raymeta.experiment.image_scorer import ImageScorer
from raymeta.experiment.run_store import RunStore
from raymeta.experiment.store_files import RunError, StoreFiles
from raymeta.experiment.training_set import ExampleCache, LabelledExamples
from raymeta.experiment.unsaved_work import UnsavedWork
from raymeta.networks.registry import build_network
from raymeta.networks.training import train_network
from raymeta.schemas import IMAGE_ID

BLOCK = 2
"""Images that are begun and not durable, at most; worked on one by one."""


class WorkLog:
    """Each epoch and image that was done, by any process: what stands here twice was done twice."""

    def __init__(self, path: Path) -> None:
        self.stream = path.open("a", buffering=1)

    def __call__(self, *words: object) -> None:
        self.stream.write(" ".join(map(str, words)) + "\n")


class PlainTrainer:
    """Trains in this process."""

    def __init__(self, config: Any, dataset: Any, log: WorkLog) -> None:
        self.config, self.log = config, log
        self.cache = ExampleCache(dataset)

    def train(self, iteration, regions, validation_ids, *, resume=None, on_progress=None, on_state=None):
        examples = LabelledExamples(self.cache, regions, validation_ids)
        seed = self.config.seed + 1000 * iteration
        network = build_network(self.config.network, self.cache.dataset.num_classes, seed)

        def on_epoch(record, state):
            self.log("epoch", iteration, record.epoch)
            on_state(state.to_bytes())
            time.sleep(0.05)  # as an epoch that takes longer than writing its state

        state = train_network(network, examples, self.config.training, seed, on_epoch=on_epoch, resume=resume)
        path = Path(f"/proc/self/fd/{os.memfd_create('network')}")
        torch.save(state.best_weights, path)
        return {
            "network": path.read_bytes(),
            "history": [asdict(record) for record in state.history],
            "confusion": np.asarray(state.best_confusion).tolist(),
            "best_epoch": state.best_epoch,
            "miou": state.best_miou,
            "faults": examples.faults,
        }


class PlainScorer:
    """Scores in this process, as a scoring actor does: no image is begun before all but one are durable."""

    def __init__(self, config: Any, dataset: Any, log: WorkLog) -> None:
        self.config, self.dataset, self.log = config, dataset, log

    def run(self, task, image_ids, bundle=None, on_rows=None):
        scorer = ImageScorer(self.config, self.dataset, bundle, torch.device("cpu")) if bundle else None
        ordered = sorted(image_ids, key=str.encode)
        rows, unsaved = [], UnsavedWork(BLOCK)
        for part, image_id in enumerate(ordered):
            unsaved.begin(task, part)
            rows.append({IMAGE_ID: image_id, "error": None, **getattr(self, task)(scorer, image_id)})
            on_rows(rows[-1:], partial(unsaved.saved, task, part))
        return rows

    def select(self, image_ids, bundle, on_rows, known):
        known = [row for rows in known for row in rows]
        done = {row[IMAGE_ID] for row in known}
        rows = known + self.run("score", [i for i in image_ids if i not in done], bundle, on_rows)
        merge = BoxMerge(self.config.acquisition.query_size)
        for row in rows:
            merge.add(pa.ipc.open_stream(row["candidates_stream"]).read_all())
        return merge.result(), sorted(rows, key=lambda row: row[IMAGE_ID].encode())

    def score(self, scorer, image_id):
        self.log("score", scorer.bundle.iteration, image_id)
        score, timed = scorer.score(image_id)
        seconds = {"seconds_decode": timed.decode, "seconds_network": timed.network, "seconds_score": 0.0}
        return {**score.statistics, "candidates_stream": _stream(score.candidates), **seconds}

    def meta_segments(self, scorer, image_id):
        self.log("meta", scorer.bundle.iteration, image_id)
        return {"segments_table": _stream(scorer.meta_segments(image_id))}

    def largest_box_clicks(self, scorer, image_id):
        self.log("sample", scorer.bundle.iteration, image_id)
        return {"clicks": int(scorer.largest_box_clicks(image_id))}

    def whole_image_clicks(self, scorer, image_id):
        self.log("clicks", image_id)
        clicks = Oracle(self.dataset).whole_image_clicks(image_id)
        pixels = self.dataset.label_map(image_id).size
        return {"polygon_clicks": clicks.polygon, "class_clicks": clicks.class_, "pixels": pixels}


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def run_plain(config_path: str, overrides: list[str], log_path: Path) -> None:
    """Run, or resume, an experiment in this process."""
    torch.set_num_threads(1)
    config = load_config(config_path, overrides)
    dataset = open_dataset(config.dataset, config.seed)
    split = experiment_split(config, dataset)
    store = RunStore(config.run_dir)
    log = WorkLog(log_path)
    output = log_path.with_name("output.txt")
    with output.open("w") as stream, contextlib.redirect_stdout(stream), store.lock():
        progress = RunProgress("plain", config.iterations)
        for fault in store.damaged():
            progress.say(fault)
        store.create(config)
        store.write_split(split.to_table())
        workers = PlainTrainer(config, dataset, log), PlainScorer(config, dataset, log)
        run_iterations(Session(config, store, dataset, split, *workers, progress, share=lambda bundle: bundle))


def die_at_write(kill_at: int, mode: str) -> None:
    """SIGKILL this process at its `kill_at`-th write: before it, in the middle of it (torn), or after it."""
    write, count = StoreFiles.write_unguarded, [0]

    def counted(self: StoreFiles, name: str, data: bytes) -> None:
        count[0] += 1
        if count[0] != kill_at:
            write(self, name, data)
            return
        if mode == "after":
            write(self, name, data)
        if mode == "torn":
            path = Path(self.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f".{path.name}.tmp").write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    StoreFiles.write_unguarded = counted


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                if order["kill_at"]:
                    die_at_write(order["kill_at"], order["mode"])
                run_plain(order["config"], order["overrides"], Path(order["log"]))
                os._exit(0)
            except RunError as error:
                Path(order["log"]).with_name("output.txt").write_text(str(error))
                os._exit(2)
            except BaseException:
                Path(order["log"]).with_name("output.txt").write_text(traceback.format_exc())
                os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()

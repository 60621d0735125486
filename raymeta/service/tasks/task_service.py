"""What the routes of tasks ask for, answered from the dispatcher: the one place where states become answers."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Final

from raymeta.annotation.known_labels import middle
from raymeta.exchange.manifest import SegmentQuestion
from raymeta.exchange.task_export import OpenTask, region_frames
from raymeta.labels.agreement import Agreement, agreements
from raymeta.labels.annotator_list import Person
from raymeta.labels.answer_files import AnswerRecord
from raymeta.labels.label_store import LabelStore
from raymeta.labels.picture_files import PictureFiles
from raymeta.labels.task_dispatcher import LeasedTasks, TaskDispatcher, TaskRefusedError
from raymeta.labels.task_pictures import TaskPictures
from raymeta.labels.task_sets import Task
from raymeta.labels.task_states import ANSWERED, DONE, OPEN, Rules, TaskState
from raymeta.runs.run_store import RunError, RunStore
from raymeta.service.settings import ServiceSettings
from raymeta.service.tasks import task_answers as made
from raymeta.service.tasks.segment_question import segment_question
from raymeta.service.tasks.task_calls import TaskCall, TaskReply

STATUS: Final = {"unknown": 404, "forbidden": 403, "moved": 409}
DEFAULT_MARGIN: Final = 32
SIMULATED: Final = "the simulated annotator answers this run: set oracle.kind to people in a run of your own"
_NOBODY: Final = Person("", frozenset())


class TaskService:
    """Methods are called by name, with the person who asks first: see `TaskCall`.

    Raises:
        RunError, DatasetError: no run, or its data set is not there.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        store = RunStore(settings.run)
        self.config = store.load_config()
        oracle = self.config.oracle
        labels = LabelStore(store, Rules.of(oracle))
        self.pictures = TaskPictures(settings.dataset(self.config.dataset), self.config.seed)
        self.picture_files = PictureFiles(self.pictures.dataset)
        self.dispatcher = TaskDispatcher(labels, store.files, settings.lease_s)

    def reply(self, call: TaskCall) -> TaskReply:
        """Do what a call asks for; what can't be done becomes a status and a sentence."""
        try:
            return TaskReply(getattr(self, call.method)(call.person or _NOBODY, **call.arguments))
        except TaskRefusedError as error:
            return TaskReply(None, STATUS[error.reason], str(error))
        except RunError as error:
            return TaskReply(None, 500, str(error))

    def sets(self, person: Person) -> list[str]:
        """Names of the sets that were handed out."""
        return list(self.dispatcher.states())

    def rows(
        self,
        person: Person,
        sets: Collection[str],
        states: Collection[str],
        image_id: str | None,
        limit: int,
        offset: int,
    ) -> made.TasksAnswer:
        """A page of tasks."""
        found = [
            state
            for name, listed in self.dispatcher.states().items()
            if not sets or name in sets
            for state in listed
            if (not states or state.name in states) and image_id in (None, state.task.image_id)
        ]
        rows = [self._row(state, person) for state in found[offset : offset + limit]]
        return made.TasksAnswer(total=len(found), tasks=rows)

    def progress(self, person: Person) -> made.ProgressAnswer:
        """How far people are."""
        listed = self.dispatcher.states()
        sets = [self._set_progress(name, states) for name, states in listed.items()]
        everything = [state for states in listed.values() for state in states]
        seconds = [each.open * each.median_seconds for each in sets if each.open and each.median_seconds is not None]
        known = all(each.median_seconds is not None for each in sets if each.open)
        return made.ProgressAnswer(
            sets=sets,
            open=sum(each.open for each in sets),
            to_decide=sum(each.to_decide for each in sets),
            answered=sum(each.answered for each in sets),
            done=all(each.done for each in sets),
            seconds_left=sum(seconds) if known else None,
            people=_people(everything),
            go_on_at=self.config.oracle.go_on_at,
        )

    def lease(self, person: Person, count: int, set_name: str | None, task_id: str | None) -> made.LeasedAnswer:
        """Hand tasks out to a person."""
        if self.config.oracle.kind != "people":
            return made.LeasedAnswer(tasks=[], open=0, reason=SIMULATED)
        leased: LeasedTasks
        if task_id is None:
            leased = self.dispatcher.lease(person, count, set_name)
        else:
            leased = self.dispatcher.lease_one(person, task_id)
        details = [self._detail(state, person, DEFAULT_MARGIN) for state in leased.states]
        return made.LeasedAnswer(tasks=details, open=leased.open, reason=leased.reason)

    def renew(self, person: Person, tasks: Sequence[str]) -> made.RenewedAnswer:
        """Renew leases."""
        kept, lost = self.dispatcher.renew(person, tasks)
        return made.RenewedAnswer(
            kept=[made.KeptLease(id=task_id, until=until) for task_id, until in kept.items()],
            lost=[made.LostLease(id=task_id, reason=reason) for task_id, reason in lost.items()],
        )

    def release(self, person: Person, task_id: str) -> made.TaskRow:
        """Give a task back."""
        return self._row(self.dispatcher.release(person, task_id), person)

    def detail(self, person: Person, task_id: str, margin: int) -> made.TaskDetail:
        """Everything that an editor needs beside the pixels."""
        return self._detail(self.dispatcher.find(task_id), person, margin)

    def draft(self, person: Person, task_id: str, content: dict[str, Any]) -> made.DraftAnswer:
        """Keep a draft."""
        task = self.dispatcher.find(task_id).task
        return made.DraftAnswer(time=self.dispatcher.drafts.put(task, person.name, content).time)

    def drop_draft(self, person: Person, task_id: str) -> None:
        """Remove a draft."""
        self.dispatcher.drafts.drop(self.dispatcher.find(task_id).task, person.name)

    def answer(self, person: Person, answer: AnswerRecord) -> made.KeptAnswerAnswer:
        """Keep an answer, unless its picture isn't the one any more that was asked about."""
        if fault := self.picture_files.fault(self.dispatcher.find(answer.task_id).task):
            raise TaskRefusedError("moved", fault)
        kept = self.dispatcher.answer(person, answer)
        return made.KeptAnswerAnswer(
            answer_id=kept.answer.id,
            new=kept.new,
            uncovered=kept.answer.uncovered,
            message=kept.message,
            task=self._row(kept.state, person),
            agreement=None if kept.agreement is None else _agreement(kept.agreement),
        )

    def skip(self, person: Person, task_id: str, reason: str | None) -> made.TaskRow:
        """Pass a task on."""
        return self._row(self.dispatcher.skip(person, task_id, reason), person)

    def accept(
        self, person: Person, task_id: str, answer_id: str, seen: Collection[str], reason: str | None
    ) -> made.TaskRow:
        """Let an answer count."""
        return self._row(self.dispatcher.accept(person, task_id, answer_id, seen, reason), person)

    def return_task(self, person: Person, task_id: str, reason: str) -> made.TaskRow:
        """Ask again."""
        return self._row(self.dispatcher.return_task(person, task_id, reason), person)

    def reopen(self, person: Person, task_id: str, reason: str | None) -> made.TaskRow:
        """Ask again; what was accepted counts meanwhile."""
        return self._row(self.dispatcher.reopen(person, task_id, reason), person)

    def answers(self, person: Person, task_id: str, answer_id: str | None) -> made.AnswersAnswer:
        """The answers of a task that the person may see, all or one."""
        state = self.dispatcher.find(task_id)
        seen = [each for each in state.answers if _may_see(each, state, person) and answer_id in (None, each.id)]
        if answer_id is not None and not seen:
            raise TaskRefusedError("unknown", f"{task_id} has no answer {answer_id[:80]!r} that you may see")
        live = [each for each in state.live.values() if each in seen]
        return made.AnswersAnswer(
            answers=[_answer(each, state, person) for each in seen],
            agreement=self._agreements(live) if answer_id is None else [],
        )

    def _agreements(self, answers: Sequence[AnswerRecord]) -> list[made.AgreementAnswer]:
        return [_agreement(each) for each in agreements(answers, self.dispatcher.labels.rules.agree_within)]

    def _row(self, state: TaskState, person: Person) -> made.TaskRow:
        return made.TaskRow(**self._row_fields(state, person))

    def _row_fields(self, state: TaskState, person: Person) -> dict[str, Any]:
        task, accepted, lease = state.task, state.accepted, self.dispatcher.lease_of(state)
        held = None
        if lease is not None:
            held = made.LeaseAnswer(who=lease.who, until=lease.until, yours=lease.who == person.name)
        return {
            "id": task.id,
            "set": task.set,
            "image_id": task.image_id,
            "rank": task.rank,
            "whole": task.whole,
            "region": made.RegionAnswer(top=task.top, left=task.left, height=task.height, width=task.width),
            "point": _pixel(task) if task.point else None,
            "state": state.name,
            "note": state.note,
            "estimated_clicks": task.estimated_clicks,
            "answers": len(state.answers),
            "accepted_answer": None if accepted is None else accepted.id,
            "who": None if accepted is None else accepted.who,
            "lease": held,
        }

    def _detail(self, state: TaskState, person: Person, margin: int) -> made.TaskDetail:
        draft = self.dispatcher.drafts.get(state.task, person.name) if person.name else None
        own = [each.time for each in state.answers if each.who == person.name]
        if draft is not None and draft.time <= max(own, default=""):
            draft = None  # an answer came after it, before it could be removed
        start = _start(state, person)
        begin = made.StartAnswer.model_validate(
            {"from": "draft"}
            if draft is not None
            else {"from": "answer" if start else "nothing", "answer_id": start and start.id}
        )
        return made.TaskDetail(
            **self._row_fields(state, person),
            segment=segment_question(state.task, self.pictures, self.config.acquisition.named_width),
            scale=self.pictures.scale(state.task),
            picture=picture_frame(self.pictures, state.task, margin),
            start=begin,
            draft=None if draft is None else draft.content,
            draft_time=None if draft is None else draft.time,
            earlier=[made.EarlierAnswer(**_earlier(each, state, person)) for each in state.answers],
        )

    def _set_progress(self, name: str, states: Sequence[TaskState]) -> made.SetProgress:
        counts = Counter(state.name for state in states)
        seconds = [s.accepted.seconds for s in states if s.accepted is not None and s.accepted.seconds is not None]
        return made.SetProgress(
            name=name,
            tasks=len(states),
            open=sum(state.name in OPEN for state in states),
            leased=sum(state.name in OPEN and self.dispatcher.lease_of(state) is not None for state in states),
            to_decide=counts["conflict"] + counts["annotated"],
            answered=sum(state.name in ANSWERED for state in states),
            withdrawn=counts["withdrawn"],
            done=all(state.name in DONE for state in states),
            median_seconds=median(seconds) if seconds else None,
        )


def picture_frame(pictures: TaskPictures, task: Task, margin: int) -> made.PictureAnswer:
    """What people see of a task, in pixels of the stored image."""
    height, width = pictures.size(task.image_id)
    scale = pictures.scale(task)
    region = None if task.whole else (task.top, task.left, task.height, task.width)
    question = None if task.segment is None else SegmentQuestion(predicted=str(task.predicted_class))
    opened = OpenTask(task.id, task.image_id, region, scale, point=task.point, segment=question)
    _, (top, left, crop_height, crop_width) = region_frames(opened, height, width, margin)
    box = made.FrameAnswer(
        left=task.left / scale,
        top=task.top / scale,
        right=(task.left + task.width) / scale,
        bottom=(task.top + task.height) / scale,
    )
    return made.PictureAnswer(
        left=left, top=top, width=crop_width, height=crop_height, image_width=width, image_height=height, box=box
    )


def _pixel(task: Task) -> made.PixelAnswer:
    row, column = middle(task.width)
    return made.PixelAnswer(row=task.top + row, column=task.left + column)


def _start(state: TaskState, person: Person) -> AnswerRecord | None:
    """The answer that the next one begins with: what was returned or reopened, or what a person corrects."""
    if not state.answers:
        return None
    if state.name in OPEN and not state.waits_for_second:  # who answers second doesn't see the first answer
        return state.accepted or state.answers[-1]
    own = [each for each in state.answers if each.who == person.name]
    if own:
        return own[-1]
    return state.accepted if person.may("review") else None


def _may_see(answer: AnswerRecord, state: TaskState, person: Person) -> bool:
    return person.may("review") or answer.who == person.name or answer is _start(state, person)


def _earlier(answer: AnswerRecord, state: TaskState, person: Person) -> Mapping[str, Any]:
    return {
        "answer_id": answer.id,
        "who": answer.who,
        "time": answer.time,
        "undecidable": answer.undecidable,
        "uncovered": answer.uncovered,
        "live": any(each.id == answer.id for each in state.live.values()),
        "accepted": state.accepted is not None and state.accepted.id == answer.id,
        "yours": answer.who == person.name,
    }


def _answer(answer: AnswerRecord, state: TaskState, person: Person) -> made.AnswerAnswer:
    return made.AnswerAnswer(
        **_earlier(answer, state, person),
        tool=answer.tool,
        seconds=answer.seconds,
        clicks=answer.events,
        raster_png=answer.png,
        shapes=answer.shapes,
    )


def _agreement(found: Agreement) -> made.AgreementAnswer:
    return made.AgreementAnswer(
        answers=found.answers, pixels=found.pixels, equal=found.equal, miou=found.miou, within=found.within
    )


def _people(states: Iterable[TaskState]) -> list[made.PersonProgress]:
    by_name: dict[str | None, list[AnswerRecord]] = {}
    for state in states:
        for answer in state.answers:
            by_name.setdefault(answer.who, []).append(answer)
    people = []
    for who, answers in sorted(by_name.items(), key=lambda item: item[0] or ""):
        clicks: Counter[str] = Counter()
        for answer in answers:
            clicks.update(answer.events or {})
        seconds = [answer.seconds for answer in answers if answer.seconds is not None]
        people.append(
            made.PersonProgress(
                who=who, answers=len(answers), seconds=sum(seconds) if seconds else None, clicks=dict(clicks)
            )
        )
    return people

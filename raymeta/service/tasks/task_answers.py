"""Bodies of JSON answers about tasks."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from raymeta.config import UnitName
from raymeta.labels.annotator_list import Role
from raymeta.labels.task_states import StateName

StartName = Literal["draft", "answer", "nothing"]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class LabelClass(_Answer):
    """One class, as people choose it."""

    id: int
    name: str
    color: str = Field(description="#rrggbb")
    key: str | None = Field(description="that chooses it on a keyboard")


class VoidClass(_Answer):
    """How an answer says that a pixel shall have no class."""

    value: int = Field(description="in the raster of an answer")
    name: Literal["void"] = "void"
    key: str = "v"


class MeAnswer(_Answer):
    """Who asks, what they may do, and what every task of the run has in common."""

    who: str | None = Field(description="name that answers are signed with; null for readers")
    roles: list[Role]
    may_write: bool
    reason: str | None = Field(description="why nothing can be written, and the remedy")
    run: str
    oracle: Literal["simulated", "people"]
    review: Literal["none", "always"]
    unit: UnitName = Field(description="what a query asks for; a segment and a superpixel are answered alike")
    max_uncovered: float = Field(description="share of a region that may have no class in a finished answer")
    lease_seconds: float
    renew_seconds: float = Field(description="how often a page renews its leases")
    max_leased: int
    sets: list[str]
    classes: list[LabelClass]
    void: VoidClass | None = Field(description="null where a class has its value")


class RegionAnswer(_Answer):
    """What is asked, in pixels of the data set."""

    top: int
    left: int
    height: int
    width: int


class PixelAnswer(_Answer):
    """A pixel of the data set's image."""

    row: int
    column: int


class LeaseAnswer(_Answer):
    """Who holds a task."""

    who: str | None
    until: str = Field(description="UTC")
    yours: bool


class TaskRow(_Answer):
    """One task, and what became of it."""

    id: str
    set: str
    image_id: str
    rank: int
    whole: bool = Field(description="whether the region is all of its image")
    region: RegionAnswer
    point: PixelAnswer | None = Field(
        description="the pixel whose class is asked, which all of the region gets; null where the region is to be drawn"
    )
    state: StateName
    note: str = Field(description="why it is open, or what is to be decided")
    estimated_clicks: int | None
    answers: int
    accepted_answer: str | None
    who: str | None = Field(description="who gave the accepted answer")
    lease: LeaseAnswer | None


class TasksAnswer(_Answer):
    """A page of tasks, by set and rank."""

    total: int
    tasks: list[TaskRow]


class SetProgress(_Answer):
    """How far people are with one set."""

    name: str
    tasks: int
    open: int
    leased: int = Field(description="of the open ones")
    to_decide: int = Field(description="conflicts, unfinished answers, and answers that wait for a review")
    answered: int
    withdrawn: int
    done: bool
    median_seconds: float | None = Field(description="of an accepted answer, where it is known")


class PersonProgress(_Answer):
    """What one person did."""

    who: str | None
    answers: int
    seconds: float | None
    clicks: dict[str, int]


class ProgressAnswer(_Answer):
    """How far people are."""

    sets: list[SetProgress]
    open: int
    to_decide: int
    answered: int
    done: bool = Field(description="nothing is left to be labelled or decided now")
    seconds_left: float | None = Field(description="open tasks of each set times its median seconds")
    people: list[PersonProgress]
    go_on_at: float = Field(description="share of a set that is enough for the run to go on")


class FrameAnswer(_Answer):
    """A box in continuous corner coordinates of the stored image."""

    left: float
    top: float
    right: float
    bottom: float


class PictureAnswer(_Answer):
    """The part of the stored image that people see, in its pixels."""

    left: int
    top: int
    width: int
    height: int
    image_width: int
    image_height: int
    box: FrameAnswer = Field(description="the region")


class StartAnswer(_Answer):
    """What an editor begins with."""

    from_: StartName = Field(alias="from")
    answer_id: str | None = None

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class EarlierAnswer(_Answer):
    """An answer that was given, without its pixels."""

    answer_id: str
    who: str | None
    time: str
    undecidable: bool
    uncovered: int = Field(description="pixels without a class that nobody took as void")
    live: bool = Field(description="whether it counts: the last of each person")
    accepted: bool
    yours: bool


class SegmentQuestionAnswer(_Answer):
    """A part of a predicted segment whose class is asked: an answer gives its pixels one class, or none (254)."""

    class_id: int = Field(description="as the network sees it")
    class_name: str
    pixels: int = Field(description="of the data set")
    mask_png: str = Field(description="base64 of an 8-bit grey PNG of the region: 1 where it is asked, else 0")
    rings: list[list[list[float]]] = Field(description="corner coordinates of the stored image, filled by even and odd")
    point: PixelAnswer | None = Field(
        description="whose class is asked where there are several; null where nothing more is asked then"
    )
    point_region: RegionAnswer | None = Field(description="what of the segment gets that class")


class TaskDetail(TaskRow):
    """Everything that an editor needs beside the pixels."""

    segment: SegmentQuestionAnswer | None = Field(description="null where the class of a segment isn't what is asked")
    scale: float = Field(description="pixels of the data set for each of the stored image")
    picture: PictureAnswer
    start: StartAnswer
    draft: dict[str, Any] | None
    draft_time: str | None
    earlier: list[EarlierAnswer]


class LeasedAnswer(_Answer):
    """Tasks that the person holds now."""

    tasks: list[TaskDetail]
    open: int = Field(description="tasks that wait beside these")
    reason: str | None = Field(description="why there are fewer than were asked for")


class KeptLease(_Answer):
    """A lease that goes on."""

    id: str
    until: str


class LostLease(_Answer):
    """A task that isn't in the person's hands any more."""

    id: str
    reason: str


class RenewedAnswer(_Answer):
    """What became of each lease."""

    kept: list[KeptLease]
    lost: list[LostLease]


class DraftAnswer(_Answer):
    """A draft was kept."""

    time: str


class AgreementAnswer(_Answer):
    """Two answers compared where both have a class."""

    answers: tuple[str, str]
    pixels: int
    equal: float | None = Field(description="share of these pixels with the same class")
    miou: float | None
    within: float | None = Field(
        description="share of the pixels in which they agree up to oracle.agree_within; oracle.agree_at is enough"
    )


class KeptAnswerAnswer(_Answer):
    """What became of an answer."""

    answer_id: str
    new: bool = Field(description="false where this answer was known already")
    uncovered: int
    message: str | None = Field(description="what the person should know")
    task: TaskRow
    agreement: AgreementAnswer | None = Field(description="with another person's answer")


class AnswerAnswer(EarlierAnswer):
    """One answer with its pixels."""

    tool: str | None
    seconds: float | None
    clicks: dict[str, int] | None
    raster_png: str = Field(description="base64 of an 8-bit grey PNG of the region: class ids, 255 void or uncovered")
    shapes: list[dict[str, Any]]


class AnswersAnswer(_Answer):
    """The answers of a task that the person may see, and how far they agree."""

    answers: list[AnswerAnswer]
    agreement: list[AgreementAnswer]


class PredictedSegmentAnswer(_Answer):
    """A predicted segment of the region."""

    id: int = Field(description="its number in the raster")
    prelabel_id: str
    class_id: int
    class_name: str
    predicted_iou: float | None
    size: int = Field(description="pixels of the data set inside the region")
    rings: list[list[list[float]]] = Field(description="corner coordinates of the stored image; the outer ring first")


class PrelabelsAnswer(_Answer):
    """What the network predicts of a region."""

    source: str | None = Field(description="which iteration predicts it; null where nothing is predicted")
    height: int
    width: int
    raster_png: str | None = Field(
        description="base64 of an RGB PNG of the region: number of the segment = R + 256 G + 65536 B, 0 for none"
    )
    segments: list[PredictedSegmentAnswer]


class SurroundingsAnswer(_Answer):
    """Labels that are accepted in and around a region; top to width in pixels of the data set."""

    top: int
    left: int
    height: int
    width: int
    raster_png: str = Field(description="base64 of an 8-bit grey PNG: class ids, 255 unknown or void")

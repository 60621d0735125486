"""annotators.yaml: who may answer over HTTP. It holds checksums of tokens, so that reading it lets nobody in."""

import hashlib
import hmac
import os
import re
import secrets
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from raymeta.errors import InputError
from raymeta.field_faults import field_faults
from raymeta.local_files import LocalFileError, local_path, read_bounded
from raymeta.safe_yaml import MAX_BYTES, YamlError, load_yaml

Role = Literal["annotate", "review", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
ANNOTATORS_VARIABLE: Final = "RAYMETA_ANNOTATORS"
_NAME: Final = re.compile(r"[^\W_][\w.@ -]{0,63}")


class AnnotatorListError(InputError):
    """A list of annotators that can't be used; the message names the file and the remedy."""


@dataclass(frozen=True)
class Person:
    """Who sends a request, and what it may do."""

    name: str
    roles: frozenset[Role]

    def may(self, role: Role) -> bool:
        """Whether the person has a role; an admin has all of them."""
        return role in self.roles or "admin" in self.roles


LOCAL_PERSON: Final = Person("local", frozenset(ROLES))
"""Who works at the machine itself, where nobody else can reach the service."""


class Annotator(BaseModel):
    """One entry. token_sha256: of the token's UTF-8 bytes, in hexadecimal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    token_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = ("annotate",)

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        return check_name(name)

    @property
    def person(self) -> Person:
        """The person without the token."""
        return Person(self.name, frozenset(self.roles))


class AnnotatorList(BaseModel):
    """Everybody who may answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    annotators: tuple[Annotator, ...] = ()

    @field_validator("annotators")
    @classmethod
    def _distinct(cls, annotators: tuple[Annotator, ...]) -> tuple[Annotator, ...]:
        for what, values in (
            ("name", [annotator.name.casefold() for annotator in annotators]),
            ("token", [annotator.token_sha256 for annotator in annotators]),
        ):
            double = next((value for value in values if values.count(value) > 1), None)
            if double is not None:
                raise ValueError(f"{what} {double} appears twice: each person has one of their own")
        return annotators

    def person(self, token: str) -> Person | None:
        """Whose token it is; None for nobody's. All checksums are compared, each in constant time."""
        digest = token_sha256(token)
        found = [each.person for each in self.annotators if hmac.compare_digest(each.token_sha256, digest)]
        return found[0] if found else None


def token_sha256(token: str) -> str:
    """Checksum of a token as the file holds it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def check_name(name: str) -> str:
    """The name, if answers can be signed with it.

    Raises:
        ValueError: empty, too long, or with other characters than letters, digits, blanks and `. @ - _`.
    """
    if not _NAME.fullmatch(name) or name != name.strip() or name.casefold() == LOCAL_PERSON.name:
        raise ValueError(
            f"name {name[:80]!r}: choose 1 to 64 letters, digits, blanks, '.', '@', '-' or '_', beginning with a "
            f"letter or digit, and not '{LOCAL_PERSON.name}'"
        )
    return name


def load_annotators(path: str | Path) -> AnnotatorList:
    """The list in a file.

    Raises:
        AnnotatorListError: no such file, or one with faults.
    """
    try:
        values = load_yaml(read_bounded(local_path(path), MAX_BYTES).decode("utf-8-sig"))
        return AnnotatorList.model_validate(values if values is not None else {})
    except ValidationError as error:
        faults = "; ".join(field_faults(error, "annotators")[:5])
        raise AnnotatorListError(f"{path}: {faults}") from None
    except FileNotFoundError:
        raise AnnotatorListError(
            f"{path}: there is no such file: make it with `raymeta annotators add {shlex.quote(str(path))} --name NAME`"
        ) from None
    except (YamlError, LocalFileError, OSError, UnicodeDecodeError) as error:
        raise AnnotatorListError(f"{path}: can't be read as a list of annotators: {error}") from None


def add_annotator(path: str | Path, name: str, roles: Iterable[Role]) -> str:
    """Add a person to a file, which is made if it isn't there; gives the token, which is written nowhere.

    Raises:
        AnnotatorListError: the name is taken or can't be, or the file can't be read or written.
    """
    file = local_path(path)
    known = load_annotators(file) if file.exists() else AnnotatorList()
    taken = next((each.name for each in known.annotators if each.name.casefold() == name.casefold()), None)
    if taken is not None:
        raise AnnotatorListError(
            f"{path}: {taken} is on the list already: choose another name, or, for a new token, remove {taken} first"
        )
    token = secrets.token_urlsafe(32)
    try:
        added = Annotator(name=name, token_sha256=token_sha256(token), roles=tuple(dict.fromkeys(roles)))
        changed = AnnotatorList(annotators=(*known.annotators, added))
    except ValidationError as error:
        raise AnnotatorListError(f"{path}: {field_faults(error, 'annotators')[0]}") from None
    _write(file, changed)
    return token


def remove_annotator(path: str | Path, name: str) -> None:
    """Take a person off a file: the token lets nobody in any more; answers stay.

    Raises:
        AnnotatorListError: nobody of that name, or the file can't be read or written.
    """
    file = local_path(path)
    known = load_annotators(file)
    kept = tuple(each for each in known.annotators if each.name != name)
    if len(kept) == len(known.annotators):
        names = ", ".join(each.name for each in known.annotators) or "nobody"
        raise AnnotatorListError(f"{path}: {name!r} isn't in it: there are {names}")
    _write(file, AnnotatorList(annotators=kept))


def _write(file: Path, annotators: AnnotatorList) -> None:
    text = yaml.safe_dump(annotators.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o600 if not file.exists() else file.stat().st_mode & 0o777)
        os.replace(temporary, file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise AnnotatorListError(f"{file}: can't be written: {error}") from None

"""Places of folders, as people write them: local paths, or URIs such as s3://KEY:SECRET@bucket/run?region=eu-west-1."""

import re
from pathlib import PurePosixPath

# A secret may hold a slash: after a colon everything up to the next @ belongs to it.
_USER = re.compile(r"://(?:[^/\s@:]+:[^\s@]*|[^/\s@]+)@")
_SECRET_OPTION = re.compile(r"([?&][\w.-]*(?:secret|token|password|key)[\w.-]*=)[^&\s]+", re.IGNORECASE)


def below(location: str, *names: str) -> str:
    """The place of a folder or file inside a folder; in a URI before its options."""
    path, question, options = _split(location)
    return "/".join([path.rstrip("/"), *names]) + question + options


def without_options(location: str) -> str:
    """The place without the options of a URI, and without a slash at its end."""
    return _split(location)[0].rstrip("/")


def last_name(location: str) -> str:
    """Name of the folder itself, without the folders above and the options of a URI."""
    return PurePosixPath(_split(location)[0]).name


def hide_secrets(text: str) -> str:
    """A text with the keys and passwords of its URIs left out, to be shown or stored where others read it."""
    return _SECRET_OPTION.sub(r"\1…", _USER.sub("://…@", text))


def _split(location: str) -> tuple[str, str, str]:
    return location.partition("?") if "://" in location else (location, "", "")

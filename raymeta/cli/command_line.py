"""The command line as a whole: its parser, and what becomes of each kind of end."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from raymeta import __version__
from raymeta.cli import (
    annotator_commands,
    config_commands,
    doctor_command,
    doubts_command,
    glossary_command,
    label_command,
    report_commands,
    run_commands,
    select_command,
    serve_command,
    status_command,
    task_commands,
)
from raymeta.cli.options import near_words
from raymeta.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, end_of, end_process
from raymeta.locations import hide_secrets
from raymeta.log_file import log_to

ROOMS = (
    run_commands,
    label_command,
    task_commands,
    report_commands,
    select_command,
    status_command,
    config_commands,
    serve_command,
    annotator_commands,
    doctor_command,
    glossary_command,
    doubts_command,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 on success, 1 where the cluster or raymeta itself failed, 2 with one message on bad input, 3 where the run
        waits for people, 130 after Ctrl-C.
    """
    options = parse(arguments)
    # Threads that spin while they wait starve everything else on a small machine. Read once, when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        with log_to(options.log_file, debug=options.debug):
            return int(options.command(options))
    except KeyboardInterrupt:
        print("\nstopped: the same command goes on where it was", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as error:
        code, text = end_of(error, debug=options.debug)
        print(hide_secrets(text), file=sys.stderr)
        return code


def command() -> NoReturn:
    """The `raymeta` command as a process of its own."""
    _ensure_utf8()
    _draw_no_bars_in_pipes()
    end_process(main())


def _draw_no_bars_in_pipes() -> None:
    """A notebook sets FORCE_COLOR, which rich takes for a terminal: bars that move would fill a pipe line by line."""
    if not sys.stdout.isatty():
        os.environ.pop("FORCE_COLOR", None)


def _ensure_utf8() -> None:
    """Start again in Python's UTF-8 mode where the locale has another encoding: Arrow writes paths in UTF-8 alone."""
    utf8_out = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    if sys.flags.utf8_mode or (utf8_out and sys.getfilesystemencoding() == "utf-8"):
        return
    os.environ["PYTHONUTF8"] = "1"
    os.environ.pop("PYTHONIOENCODING", None)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "raymeta", *sys.argv[1:]])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; overrides may also come after options, which argparse alone refuses."""
    parser = _parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help(sys.stderr)
        raise SystemExit(EXIT_BAD_INPUT)
    words = task_commands.ordered(sys.argv[1:] if arguments is None else arguments)
    options, rest = parser.parse_known_args(words)
    if rest and not (hasattr(options, "overrides") and all("=" in r and not r.startswith("-") for r in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}{_hint(options, rest)}")
    if rest:
        options.overrides = [*options.overrides, *rest]
    return options


def _hint(options: argparse.Namespace, rest: Sequence[str]) -> str:
    """What was meant: --seed=1 and --seed 1 are written seed=1."""
    if not hasattr(options, "overrides"):
        return ""
    meant = [
        word.lstrip("-") if "=" in word else f"{word.lstrip('-')}={following}"
        for word, following in zip(rest, [*rest[1:], "VALUE"], strict=True)
        if word.startswith("--")
    ]
    return f"\nkeys of the config are written without dashes: {' '.join(meant)}" if meant else ""


class _Parser(argparse.ArgumentParser):
    """Tells what a mistyped command may have meant."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = near_words(str(value), list(map(str, action.choices or ())))
            raise argparse.ArgumentError(action, error.message + near) from None


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="raymeta",
        description="Which superpixels, points or boxes of which images to label next: region-based active learning "
        "for semantic segmentation (MetaBox+), on a laptop or a Ray cluster.",
        epilog="Ray: --address or RAY_ADDRESS names a cluster; without either a local Ray is started.\n"
        "Ends: 0 done, 1 failed, 2 bad input, 3 waits for people, 130 stopped by Ctrl-C.\n"
        "Words: `raymeta glossary` explains cost_A, R², M and all others.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"raymeta {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)
    for room in ROOMS:
        room.add_commands(commands)
    for command in commands.choices.values():
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        command.add_argument("--debug", action="store_true", help="show tracebacks of all errors")
        command.add_argument("--log-file", metavar="FILE", help="append what happens to this file, with the time")
    return parser

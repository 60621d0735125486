"""`doctor`: what this machine offers, and what is wrong with it."""

import argparse
from typing import Any

from raymeta.cli.options import add_command
from raymeta.errors import EXIT_FAILED


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    doctor = add_command(commands, "doctor", "versions, devices, memory, ports, Ray, and what is wrong", "doctor")
    doctor.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from raymeta.doctor import examine

    facts, faults = examine()
    for fact in facts:
        print(fact)
    for fault in faults:
        print(f"wrong: {fault}")
    print("nothing is wrong" if not faults else f"{len(faults)} wrong")
    return EXIT_FAILED if faults else 0

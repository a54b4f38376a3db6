"""Runs the same scenarios with codex-autorunner 0.1.0 and with `car`, and compares what they say and leave.

    python3 end2end/differential [--only PATTERN] [--keep] [--car PROGRAM]

Every difference has to be a row of docs/differences.md; explained.txt says which. Nothing is compared, and a line says so, where
the original cannot be installed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import explain  # noqa: E402
import original  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from world import Missing, Programs, World  # noqa: E402

PROJECT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or "target")
AT_ONCE = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default="*", metavar="PATTERN", help="scenarios to run, with * for anything")
    parser.add_argument("--keep", action="store_true", help="keep the directories of the scenarios and say where they are")
    parser.add_argument("--car", type=Path, default=PROJECT / TARGET / "debug" / "car", help="our program")
    arguments = parser.parse_args()
    try:
        python = original.python(PROJECT / TARGET)
    except original.Skip as skip:
        print(f"skipped: {skip}")
        return 0
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        # On with the environment's own Python, which reads YAML.
        os.execv(python, [python, *sys.argv])
    if not arguments.car.exists():
        sys.exit(f"error: {arguments.car} is missing: run `cargo build --package server` first")
    car = str(arguments.car.resolve())
    programs = Programs(original.COMMAND, (car,), commands_of(car))
    return run(programs, [name for name in SCENARIOS if explain.matches(arguments.only, name)], arguments.keep)


def commands_of(car):
    """The commands of our program, those of `hub` as two words."""

    def listed(*words):
        help_text = subprocess.run([car, "help", *words], capture_output=True, text=True, check=False).stdout
        commands = help_text.partition("Commands:")[2].partition("Options:")[0]
        return re.findall(r"^  ([a-z][a-z-]+)", commands, re.MULTILINE)

    top = listed()
    return frozenset(top) | {f"hub {command}" for command in (listed("hub") if "hub" in top else [])}


def run(programs, names, keep):
    start = time.monotonic()
    explanations = explain.parse_explanations((HERE / "explained.txt").read_text())
    base = Path(tempfile.mkdtemp(prefix="car-differential-")).resolve()
    differences, ran, n_fields, n_unexplained, failed = [], [], 0, 0, False
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for name, outcome in zip(names, pool.map(lambda name: play(name, base, programs, keep), names)):
                found, problems, n_compared = outcome
                ran.append(name)
                differences += found
                n_fields += n_compared
                unexplained = explain.unexplained(found, explanations)
                n_unexplained += len(unexplained)
                failed = failed or bool(unexplained or problems)
                report(name, unexplained, problems)
    finally:
        if not keep:
            shutil.rmtree(base)
    problems = []
    if len(names) == len(SCENARIOS):
        page = (PROJECT / "docs/differences.md").read_text()
        problems = explain.bookkeeping(differences, explanations, page, ran)
    for problem in problems:
        print(f"error: {problem}")
    print(
        f"{len(ran)} of {len(SCENARIOS)} scenarios, {n_fields} fields compared, {len(differences)} lines differ, {n_unexplained} of them unexplained,"
        f" {time.monotonic() - start:.0f} s" + (f"; see {base}" if keep else "")
    )
    return 1 if failed or problems else 0


def play(name, base, programs, keep):
    """One scenario on both sides: the differences, what else is wrong, and how many fields were compared."""
    worlds = []
    try:
        for is_car in (False, True):
            world = World(base / name / ("car" if is_car else "original"), programs, is_car)
            worlds.append(world)
            SCENARIOS[name](world)
            world.record_files()
    except Missing as missing:
        return [], [f"our program has no `{missing}`"], 0
    except Exception as error:  # A scenario that cannot be played must not end the others.
        return [], [f"{type(error).__name__}: {str(error)[:400]}"], 0
    finally:
        if not keep:
            shutil.rmtree(base / name)
    before, ours = (world.observations for world in worlds)
    return explain.compare(name, before, ours), worlds[1].failures, len(before.keys() | ours.keys())


def report(name, unexplained, problems):
    print(f"{'FAIL' if unexplained or problems else '  ok'}  {name}", flush=True)
    for problem in problems:
        print("        " + problem.replace("\n", "\n        "))
    field = None
    for difference in unexplained:
        if difference.field != field:
            field = difference.field
            print(f"      {field}")
        print(f"        {difference.line}")


if __name__ == "__main__":
    sys.exit(main())

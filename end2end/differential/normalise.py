"""Turns what a program left behind into lines that two programs can be compared by.

What differs from one run to the next, however right a program is, gets a fixed name: times of now, process ids, random ids, the
directory of the run. Everything else stays: a recorded time of last year is data.
"""

import hashlib
import json
import re
from datetime import datetime, timedelta, timezone

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
NOW_WITHIN = timedelta(hours=1)
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
PID = re.compile(r"(?<![a-z])(pid\W{1,4})\d+")
# Of texts that differ from program to program and from directory to directory.
HASH = re.compile(r'((?:seed|prompt)_hash\W{1,4})[0-9a-f]{64}')


def text(raw, paths=()):
    """`raw` with every `(path, name)` of `paths` and everything that passes replaced by names."""
    for path, name in paths:
        raw = raw.replace(str(path), name)
    raw = TIME.sub(_time, raw)
    raw = UUID.sub("<uuid>", raw)
    raw = HASH.sub(r"\1<hash>", raw)
    return PID.sub(r"\1<pid>", raw)


def _time(match):
    moment = datetime.fromisoformat(match[0].replace("Z", "+00:00"))
    return "<now>" if abs(datetime.now(timezone.utc) - moment) < NOW_WITHIN else match[0]


def lines(raw, paths=()):
    """The normalised lines of a text; a last line without its newline is marked."""
    found = text(raw, paths).splitlines()
    if raw and not raw.endswith("\n"):
        found.append("\\ no newline at the end")
    return found


def file(name, content, paths=()):
    """The lines of a file: keys and values of JSON and YAML, text as it is, other bytes by their hash."""
    try:
        raw = content.decode()
    except UnicodeDecodeError:
        return [f"sha256 {hashlib.sha256(content).hexdigest()}"]
    try:
        if name.endswith(".json"):
            return flat(json.loads(raw), paths)
        if name.endswith((".yml", ".yaml")):
            import yaml  # The environment of the original has it.

            return flat(yaml.safe_load(raw), paths)
    except ValueError:
        pass  # Broken on purpose: compared as text.
    return lines(raw, paths)


def flat(value, paths=()):
    """One line per value: `repos.0.id = "demo"`. The order of a map's keys says nothing."""

    def walk(value, path):
        if isinstance(value, (dict, list)) and value:
            entries = sorted(value.items()) if isinstance(value, dict) else enumerate(value)
            for key, inner in entries:
                yield from walk(inner, f"{path}.{key}" if path else str(key))
        else:
            yield f"{path} = {json.dumps(value, default=str)}"

    return [text(line, paths) for line in walk(value, "")]


def message(stderr, exit_code, marked, paths=()):
    """What standard error says to somebody who looks at it: nothing, talk, wrong usage, a crash, or an error and its text.

    Where errors are `marked`, they begin with `error: `, and anything else is talk. Hints are left out: they are for people.
    """
    if not stderr.strip():
        return ["(silent)"]
    if exit_code == 2:
        return ["(wrong usage)"]
    if "Traceback (most recent call last)" in stderr or "╭─" in stderr:
        return ["(crash)"]
    told = [line for line in stderr.splitlines() if not line.startswith("hint: ")]
    if exit_code == 0 or (marked and not any(line.startswith("error: ") for line in told)):
        return ["(talk)"]
    return ["(error)", *lines("\n".join(line.removeprefix("error: ") for line in told) + "\n", paths)]

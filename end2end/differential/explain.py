"""Comparing what both programs did, and asking `docs/differences.md` whether what differs is meant to.

An *observation* is a field's lines, as in `once.exit` or `file .codex-autorunner/state.json`. A *difference* is one line that only
one program has: `- ` of the original, `+ ` of ours. `explained.txt` says which differences are which row of the page.
"""

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

ROW = re.compile(r"^\| `([^`]+)` \|")
TABLE_ROW = re.compile(r"^\|(?! *Id *\||[-| ]+\|$)")
INVISIBLE = "## Not visible on the command line"


@dataclass(frozen=True)
class Difference:
    """A line only one program has."""

    scenario: str
    field: str
    line: str


@dataclass(frozen=True)
class Explanation:
    """A line of `explained.txt`: patterns for scenario, field and line, and the row they belong to."""

    row: str
    scenario: str
    field: str
    line: str

    def covers(self, difference):
        return (
            matches(self.scenario, difference.scenario)
            and matches(self.field, difference.field)
            and matches(self.line, difference.line)
        )

    def __str__(self):
        return f"{self.row} | {self.scenario} | {self.field} | {self.line}"


def compare(scenario, original, ours):
    """All differences between the observations of a scenario: dictionaries from field to lines."""
    found = []
    for field in [*original, *(field for field in ours if field not in original)]:
        if field not in ours:
            found.append(Difference(scenario, field, "- (only with the original)"))
            continue
        if field not in original:
            found.append(Difference(scenario, field, "+ (only with ours)"))
            continue
        before, now = original[field], ours[field]
        for _, start, end, our_start, our_end in difflib.SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
            if before[start:end] != now[our_start:our_end]:
                changed = [f"- {line}" for line in before[start:end]] + [f"+ {line}" for line in now[our_start:our_end]]
                found.extend(Difference(scenario, field, line.rstrip()) for line in changed)
    return found


@lru_cache(maxsize=None)
def glob(pattern):
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def matches(pattern, text):
    """Whether `text` is `pattern`, in which `*` stands for anything and nothing else is special."""
    return glob(pattern).fullmatch(text) is not None


def parse_explanations(source):
    """`explained.txt`: four columns between bars; `#` begins a comment."""
    rows = [line.split("|", 3) for line in source.splitlines() if line.strip() and not line.startswith("#")]
    return [Explanation(*(column.strip() for column in row)) for row in rows]


def parse_page(source):
    """The ids of `docs/differences.md`: those the command line shows, those it does not, and what is wrong with the page."""
    visible, invisible, problems = [], [], []
    known = visible
    for line in source.splitlines():
        if line == INVISIBLE:
            known = invisible
        elif row := ROW.match(line):
            if row[1] in visible + invisible:
                problems.append(f"docs/differences.md has two rows `{row[1]}`")
            known.append(row[1])
        elif TABLE_ROW.match(line):
            problems.append(f"docs/differences.md has a row without an id: {line}")
    return visible, invisible, problems


def unexplained(differences, explanations):
    """What nothing explains."""
    return [difference for difference in differences if not any(e.covers(difference) for e in explanations)]


def bookkeeping(differences, explanations, page, ran):
    """What is wrong with `explained.txt` and the page, given the names of the scenarios that ran."""
    visible, invisible, problems = parse_page(page)
    for explanation in explanations:
        if explanation.row not in visible + invisible:
            problems.append(f"explained.txt names `{explanation.row}`, which docs/differences.md does not have: {explanation}")
        played = any(matches(explanation.scenario, name) for name in ran)
        if played and not any(explanation.covers(difference) for difference in differences):
            problems.append(f"explained.txt explains what does not differ (any more): {explanation}")
    used = {explanation.row for explanation in explanations}
    for row in visible:
        if row not in used:
            problems.append(f"docs/differences.md has `{row}`, which no scenario shows: add one, or move it to “{INVISIBLE[3:]}”")
    return problems

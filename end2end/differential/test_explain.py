"""The comparison can fail. Run by the harness before it plays anything."""

import unittest

import explain
import normalise
from explain import Difference, Explanation

PAGE = """
| Id | Before | Now | Why |
|---|---|---|---|
| `exit-codes` | 0 | 4 | |

## Not visible on the command line

| Id | Before | Now | Why |
|---|---|---|---|
| `inside` | a | b | |
"""
EXIT_CODES = Explanation("exit-codes", "once_*", "once.exit", "*")


class Comparing(unittest.TestCase):
    def test_the_same_is_no_difference(self):
        self.assertEqual(explain.compare("s", {"status.out": ["a", "b"]}, {"status.out": ["a", "b"]}), [])

    def test_each_line_only_one_program_has_is_a_difference(self):
        found = explain.compare("s", {"out": ["a", "-- b", "c"]}, {"out": ["a", "c", "d"]})
        self.assertEqual(found, [Difference("s", "out", "- -- b"), Difference("s", "out", "+ d")])

    def test_a_field_only_one_program_has_is_a_difference(self):
        found = explain.compare("s", {"file a": [], "file b": []}, {"file b": [], "file c": []})
        self.assertEqual([(d.field, d.line[0]) for d in found], [("file a", "-"), ("file c", "+")])

    def test_a_difference_nothing_explains_stays(self):
        failed, other = Difference("once_that_fails", "once.exit", "+ 4"), Difference("once_that_fails", "once.out", "+ 4")
        self.assertEqual(explain.unexplained([failed, other], [EXIT_CODES]), [other])

    def test_only_the_asterisk_is_special_in_a_pattern(self):
        self.assertTrue(explain.matches("- [ ] *", "- [ ] first"))
        self.assertFalse(explain.matches("- [ ] *", "- [x] first"))
        self.assertFalse(explain.matches("a.c", "abc"))


class Bookkeeping(unittest.TestCase):
    def problems(self, explanations, page=PAGE, differences=(Difference("once_works", "once.exit", "+ 4"),)):
        return explain.bookkeeping(list(differences), explanations, page, ["once_works", "status"])

    def test_a_true_explanation_is_fine(self):
        self.assertEqual(self.problems([EXIT_CODES]), [])

    def test_an_explanation_of_nothing_is_stale(self):
        stale = Explanation("inside", "status", "*", "*")
        self.assertEqual(len(self.problems([EXIT_CODES, stale])), 1)
        self.assertIn("(any more): inside | status", self.problems([EXIT_CODES, stale])[0])

    def test_an_explanation_of_a_scenario_that_was_not_played_is_not_called_stale(self):
        self.assertEqual(self.problems([EXIT_CODES, Explanation("inside", "usage_*", "*", "*")]), [])

    def test_an_id_the_page_does_not_have_is_named(self):
        unknown = Explanation("unheard-of", "once_works", "*", "*")
        self.assertIn("`unheard-of`, which docs/differences.md does not have", self.problems([EXIT_CODES, unknown])[0])

    def test_a_row_that_no_scenario_shows_is_named(self):
        self.assertIn("`exit-codes`, which no scenario shows", self.problems([], differences=[])[0])

    def test_rows_without_an_id_and_rows_with_the_same_id_are_named(self):
        bad = PAGE + "| Something | else | | |\n| `exit-codes` | again | | |\n"
        self.assertEqual(len(self.problems([EXIT_CODES], page=bad)), 2)


class Explanations(unittest.TestCase):
    def test_the_last_column_may_hold_bars_and_comments_are_left_out(self):
        parsed = explain.parse_explanations("# a comment\n\nrow | s* | file a | - | b |\n")
        self.assertEqual(parsed, [Explanation("row", "s*", "file a", "- | b |")])


class Normalising(unittest.TestCase):
    def test_what_passes_gets_a_name_and_recorded_times_stay(self):
        now = normalise.datetime.now(normalise.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        raw = f"{now} 2025-01-02T03:04:05Z pid=12 /tmp/x/work/a 6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
        self.assertEqual(
            normalise.text(raw, [("/tmp/x/work", "<work>")]), "<now> 2025-01-02T03:04:05Z pid=<pid> <work>/a <uuid>"
        )

    def test_json_is_compared_by_its_values(self):
        self.assertEqual(normalise.file("a.json", b'{"b": [1, {"pid": 7}], "a": {}}'), ["a = {}", "b.0 = 1", "b.1.pid = <pid>"])
        self.assertEqual(normalise.file("a.json", b"{"), ["{", "\\ no newline at the end"])

    def test_messages_are_told_apart_by_what_they_are(self):
        told = {
            ("", 0, False): ["(silent)"],
            ("working", 0, True): ["(talk)"],
            ("Usage: car", 2, True): ["(wrong usage)"],
            ("Traceback (most recent call last)\n", 1, False): ["(crash)"],
            ("No such run", 1, False): ["(error)", "No such run"],
            ("error: No such run\nhint: look", 1, True): ["(error)", "No such run"],
            ("FAIL it", 1, True): ["(talk)"],
        }
        for (stderr, code, marked), expected in told.items():
            self.assertEqual(normalise.message(stderr, code, marked), expected)

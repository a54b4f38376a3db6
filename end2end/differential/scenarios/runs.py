"""The loop, its logs, and what it leaves in files."""

from world import CAR_DIR


def once_works(w):
    w.ready()
    w.car("once", agent="say begin; tick; say ticked one")
    w.car("status")
    w.car("log")


def once_that_fails(w):
    w.ready()
    w.car("once", agent="say trying; warn went wrong; exit 3")
    w.car("status")
    w.car("log")
    w.car("resume", "--once", agent="say better; tick")
    w.car("status")


def once_that_dies_of_a_signal(w):
    w.ready()
    w.car("once", agent="say dying; die")
    w.car("status")


def once_to_the_end(w):
    w.ready()
    w.car("once", agent="tick-all; say all ticked")
    w.car("status")


def run_until_all_is_done(w):
    w.ready()
    w.car("run", agent="tick; say one more")
    w.car("status")
    w.car("log")
    w.car("log", "--run", "1")
    w.car("log", "--tail", "3")
    w.car("run", agent="tick; say more")
    w.car("status")


def run_without_open_items(w):
    w.ready()
    w.document("TODO.md", "- [x] done\n")
    w.car("run")
    w.car("status")


def run_after_new_work(w):
    w.ready()
    w.car("run", agent="tick-all; say done")
    w.document("TODO.md", "- [x] first\n- [ ] new\n")
    w.car("run", agent="tick-all; say done again")
    w.car("status")


def run_without_boxes(w):
    w.ready()
    w.document("TODO.md", "Nothing to tick here.\n")
    w.car("run")
    w.car("status")


def boxes_of_other_kinds(w):
    w.ready()
    w.document("TODO.md", "* [ ] star\n+ [ ] plus\n1. [ ] number\n- [ ] dash\n  - [X] inner\n```\n- [ ] example\n```\n")
    w.car("status")


def run_with_a_failing_report(w):
    w.ready()
    w.car("run", agent="tick-all; say done", env={"AGENT_REPORT": "say no report; exit 5"})
    w.car("status")


def run_with_a_limit(w):
    w.ready(runner={"stop_after_runs": 2})
    w.document("TODO.md", "".join(f"- [ ] item {n}\n" for n in range(9)))
    w.car("run", agent="tick; say one")
    w.car("status")
    w.car("run", agent="tick; say one")
    w.car("status")


def the_next_run_sees_the_last_ones_words(w):
    w.ready()
    w.car("once", agent="tick; say a marvellous sentence")
    w.car("once", agent="has a marvellous sentence; has <PREV_RUN_OUTPUT>; has - [ ] second; has Small steps.")
    w.car("log")


def a_prompt_of_ones_own(w):
    w.ready()
    w.document("prompt.txt", "Do {{TODO}} in {{TODO_PATH}} after {{PREV_RUN_OUTPUT}}.\n")
    w.car("once", agent=f"has in {CAR_DIR}/TODO.md after .; has Do # TODO; has {{{{TODO}}}}")
    w.car("log")


def odd_output(w):
    w.ready()
    w.car("once", agent=r"say   indented; say umlaut ü and 中文; say \ttab; say === run 1 end (code 9) ===; say a\n\nb")
    w.car("log")
    w.car("log", "--tail", "2")


def log_of_what_is_not_there(w):
    w.ready()
    w.car("log")
    w.car("log", "--run", "7")
    w.car("log", "--tail", "5")
    w.car("once", agent="say one")
    w.car("log", "--tail", "0", label="log without an end")
    w.car("log", "--run", "0", label="log of run 0")
    w.remove(f"{CAR_DIR}/codex-autorunner.log")
    w.car("log")


def log_found_in_the_shared_log(w):
    w.ready()
    w.car("once", agent="say kept")
    w.remove(f"{CAR_DIR}/runs/run-1.log")
    (w.root / CAR_DIR / "run_index.json").unlink(missing_ok=True)
    w.car("log", "--run", "1")


def a_second_runner_is_refused(w):
    w.ready()
    with w.at_work("once"):
        w.car("once", agent="say never")
        w.car("status")
        w.note("lock", str((w.root / CAR_DIR / "lock").exists()))
    w.car("status")


def force_takes_over(w):
    w.ready()
    with w.at_work("once", agent="hold; tick; say the first one"):
        w.car("once", "--force", agent="say the second one")
        w.note("still at work", str((w.root / CAR_DIR / "lock").exists()))
    w.car("status")


def kill_ends_a_run(w):
    w.ready()
    with w.at_work("once"):
        w.car("kill")
        w.car("status")


def auto_commit(w):
    w.ready(git={"auto_commit": True})
    w.git("add", ".")
    w.git("commit", "--quiet", "--message=Settings")
    w.write("staged.txt", "by a person\n")
    w.git("add", "staged.txt")
    w.car("once", agent="write made.txt by the agent; tick; say made")
    w.note("commits", w.git("log", "--format=%s", "--name-only"))
    w.note("git status", w.git("status", "--short"))


def without_codex(w):
    w.ready()
    w.car("once", env={"PATH": "/usr/bin:/bin"})
    w.car("status")
    w.car("log")

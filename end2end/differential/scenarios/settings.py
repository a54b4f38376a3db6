"""What settings do to a run."""

import json

from world import CAR_DIR


def arguments_for_codex(w):
    w.ready(codex={"model": "some-model", "reasoning": "high"})
    w.car("once", agent="arguments")
    w.car("log")


def arguments_that_name_the_model_already(w):
    w.ready(codex={"model": "some-model", "args": ["exec", "--model=other", "-c", "key=value"]})
    w.car("once", agent="arguments")
    w.car("log")


def documents_elsewhere(w):
    w.ready(docs={"todo": "plan/TODO.md", "summary": "plan/SUMMARY.md"}, log={"path": "logs/car.log"})
    w.write("plan/TODO.md", "- [ ] elsewhere\n")
    w.car("once", agent="has elsewhere; has plan/SUMMARY.md")
    w.car("status")
    w.car("log", "--tail", "9")


def previous_output_is_cut(w):
    w.ready(prompt={"prev_run_max_chars": 12})
    w.car("once", agent="say the beginning is cut away but the end stays")
    w.car("once", agent="has the end stays; has beginning")
    w.car("log")


def the_log_rotates(w):
    w.ready(log={"max_bytes": 400, "backup_count": 2})
    for n in range(4):
        w.car("once", agent=f"say run {n} fills the log with a line of some length")
    w.car("log", "--run", "1")
    w.car("log", "--tail", "2")


def variables_of_env_files(w):
    w.ready()
    w.write(".env", 'PLAIN=one\nexport QUOTED="two words"\nBOTH=root # comment\nDERIVED=${PLAIN}more\n')
    w.document(".env", "BOTH=inner\n")
    w.car("once", agent="variable PLAIN; variable QUOTED; variable BOTH; variable DERIVED", env={"PLAIN": "outside"})
    w.car("log")


def path_in_an_env_file(w):
    w.ready()
    w.write(".env", "PATH=/usr/bin:/bin\n")
    w.car("once", agent="say found")


def the_stop_file_ends_the_loop(w):
    w.ready()
    w.document("stop", "2025-01-02T03:04:05Z\n")
    w.car("run", agent=f"tick; say one; write {CAR_DIR}/stop now")
    w.car("status")


def init_inside_another_repository(w):
    w.ready()
    w.repository("inner")
    w.car("init", "inner")
    w.car("status", "--repo", "inner")
    w.write("inner/src/file.txt", "text\n")
    w.car("status", cwd="inner/src")
    w.write("plain/file.txt", "text\n")
    w.car("status", cwd="plain")


def root_files_below_the_own_ones(w):
    w.ready()
    w.document("config.yml", json.dumps({"version": 2, "mode": "repo", "runner": {"sleep_seconds": 0}}))
    w.write("codex-autorunner.yml", json.dumps({"runner": {"stop_after_runs": 1}, "prompt": {"template": "own.txt"}}))
    w.write("own.txt", "Just {{SPEC}}\n")
    w.car("run", agent="has Just # Spec; tick")
    w.car("log")

"""Setting up, and looking at, one repository."""

import json

from world import CAR_DIR, DOCUMENTS


def init_fresh(w):
    w.repository()
    w.car("init")
    w.car("status")
    w.car("log")


def init_twice_keeps_what_is_there(w):
    w.ready()
    w.document("TODO.md", "- [ ] mine\n")
    w.car("init")


def init_from_a_subdirectory(w):
    w.repository()
    w.write("src/deep/file.txt", "text\n")
    w.car("init", cwd="src/deep")
    w.car("status", cwd="src")


def init_of_another_directory(w):
    w.repository("project")
    w.car("init", "project")
    w.car("status", "--repo", "project")


def init_above_repositories(w):
    w.repository("one")
    w.repository("group/two")
    w.car("init")
    w.car("status")


def init_without_git(w):
    w.car("init")
    w.car("init", "--mode", "repo")
    w.car("init", "--git-init")
    w.car("status")


def init_as_hub(w):
    w.repository()
    w.car("init", "--mode", "HUB")
    w.car("init", "--mode", "wrong")


def init_by_path_option(w):
    w.repository("project")
    w.car("init", "--path", "project")


def init_force(w):
    w.ready()
    w.document("TODO.md", "- [ ] mine\n")
    w.car("init", "--force")


def init_with_the_settings_of_the_root(w):
    w.repository()
    w.write("codex-autorunner.yml", "runner:\n  sleep_seconds: 7\ndocs:\n  todo: .codex-autorunner/WORK.md\n")
    w.document("WORK.md", "- [ ] only\n")
    w.car("init")
    w.car("status")


def status_of_what_a_crash_left(w):
    w.ready()
    dead = {"pid": 4194303, "started_at": "2025-01-02T03:04:05Z", "host": "elsewhere"}
    w.document("lock", json.dumps(dead) + "\n")
    w.document("state.json", json.dumps({
        "last_run_id": 3, "status": "running", "last_exit_code": None, "last_run_started_at": "2025-01-02T03:04:05Z",
        "last_run_finished_at": None, "runner_pid": 4194303,
    }))
    w.car("status")
    w.car("resume", "--once", agent="say back again")
    w.car("status")


def status_with_a_lock_of_an_older_version(w):
    w.ready()
    w.document("lock", "4194303")
    w.car("status")
    w.car("once", agent="say done")


def status_with_a_terminal_session(w):
    _with_session(w)
    w.car("status")


def sessions_without_a_server(w):
    w.ready()
    w.car("sessions")
    w.car("stop-session")
    w.car("stop-session", "--session", "unknown")
    _with_session(w, ready=False)
    w.car("sessions")
    w.car("sessions", "--json")
    w.car("stop-session")
    w.car("sessions", "--json")


def _with_session(w, ready=True):
    if ready:
        w.ready()
    session = {
        "repo_path": str(w.root), "created_at": "2025-01-02T03:04:05Z", "last_seen_at": None, "status": "active",
    }
    state = json.loads(w.read(f"{CAR_DIR}/state.json"))
    state.update(sessions={"one": session}, repo_to_session={str(w.root): "one"})
    w.document("state.json", json.dumps(state))


def kill_of_nothing(w):
    w.ready()
    w.car("kill")
    w.car("status")


def kill_after_a_crash(w):
    w.ready()
    w.document("lock", '{"pid": 4194303}\n')
    w.car("kill")


def doctor(w):
    w.ready()
    w.car("doctor")
    w.remove(f"{CAR_DIR}/PROGRESS.md")
    w.car("doctor")


def doctor_without_codex(w):
    w.ready()
    w.car("doctor", env={"PATH": "/usr/bin:/bin"})


def edit(w):
    w.ready()
    for target in ("todo", "OPINIONS", "spec", "nothing"):
        w.car("edit", target, env={"EDITOR": "true"})
    w.car("edit", "summary", env={"EDITOR": "true"})


def clear_docs(w):
    w.ready()
    w.car("clear-docs", stdin="no\n")
    w.car("clear-docs", stdin="")
    w.car("clear-docs", stdin="clear\n")
    for name, content in DOCUMENTS.items():
        w.document(name, content)
    w.car("clear-docs", "--yes")


def wrong_usage(w):
    w.ready()
    w.car()
    w.car("nonsense")
    w.car("status", "--nonsense")
    w.car("log", "--run", "many")
    w.car("edit")
    w.car("hub")
    w.car("hub", "create")


def help_is_no_error(w):
    w.car("--help", texts=False)
    for command in ("init", "status", "run", "once", "kill", "resume", "log", "doctor", "serve"):
        w.car(command, "--help", texts=False)

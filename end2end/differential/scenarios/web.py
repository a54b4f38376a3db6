"""What the servers answer over HTTP, in one repository and in a hub."""

import json
import time

from world import CAR_DIR

OPEN = {"auth": "off"}


def web_looks_at_a_repository(w):
    w.ready(server=OPEN)
    w.car("once", "--repo", ".", agent="tick", label="once before", texts=False)
    with w.served("serve") as server:
        for path in (
            "/health",
            "/api/version",
            "/api/state",
            "/api/docs",
            "/api/logs",
            "/api/logs?run_id=1",
            "/api/logs?run_id=99",
            "/api/logs?tail=2",
            "/api/sessions",
            "/api/usage",
            "/api/usage?since=soon",
            "/api/usage/series",
            "/api/usage/series?bucket=year",
            "/api/snapshot",
            "/api/voice/config",
            "/system/update/status",
            "/api/nothing",
        ):
            server.get(path)


def web_changes_a_repository(w):
    w.ready(server=OPEN)
    with w.served("serve") as server:
        server.put("/api/docs/todo", {"content": "- [ ] from outside\n"})
        server.put("/api/docs/nothing", {"content": "x"}, label="unknown document")
        server.get("/api/docs", label="after writing")
        server.post("/api/docs/clear")
        server.post("/api/run/stop", label="stop when idle")
        server.post("/api/run/kill", label="kill when idle")
        server.get("/api/state", label="state after kill")
        server.post("/api/run/reset", label="reset when idle")
        server.post("/api/sessions/stop", {"session_id": "nobody"}, label="stop an unknown session")
        server.post("/api/sessions/stop", {}, label="stop no session")
        server.post("/api/docs/todo/chat/discard", label="discard nothing")


def _hub(w, *repositories):
    for name in repositories:
        w.repository(name)
    w.write("codex-autorunner.override.yml", json.dumps({"server": {"port": 9, **OPEN}}))
    w.car("init", "--mode", "hub")


def web_looks_at_a_hub(w):
    _hub(w, "one", "two", "gone")
    w.car("hub", "scan", label="scan before", texts=False)
    w.write(f"two/{CAR_DIR}/state.json", json.dumps({"status": "error", "last_run_id": 2, "last_exit_code": 3}))
    (w.root / "gone").rename(w.root.parent / "gone")
    with w.served("hub", "serve") as server:
        for path in (
            "/health",
            "/hub/version",
            "/hub/repos",
            "/hub/repos/one/remove-check",
            "/hub/repos/nobody/remove-check",
            "/hub/usage",
            "/hub/usage?since=soon",
            "/hub/usage/series",
            "/hub/usage/series?segment=repo",
            "/hub/jobs/nobody",
            "/repos/one/api/version",
            "/repos/one/api/state",
            "/repos/nobody/api/state",
            "/repos/gone/api/state",
        ):
            server.get(path)


def web_changes_a_hub(w):
    _hub(w, "one")
    with w.served("hub", "serve") as server:
        server.post("/hub/repos", {"id": "fresh"}, label="create")
        server.post("/hub/repos", {"id": "fresh"}, label="create it again")
        server.post("/hub/repos", {}, label="create nothing")
        server.post("/hub/repos", {"gitUrl": str(w.root / "one"), "repo_id": "cloned"}, label="clone")
        w.repository("found")
        server.post("/hub/repos/scan", label="scan")
        server.get("/repos/fresh/api/version", label="fresh is served")
        server.post("/hub/repos/found/init", label="init")
        server.post("/hub/repos/nobody/init", label="init nobody")
        server.post("/hub/worktrees/create", {"baseRepoId": "one", "branch": "feat/x"}, label="worktree")
        server.post("/hub/worktrees/create", {"baseRepoId": "nobody", "branch": "x"}, label="worktree of nobody")
        server.post("/hub/worktrees/create", {"branch": "x"}, label="worktree of nothing")
        server.post("/hub/repos/one/stop", label="stop when idle")
        server.post("/hub/repos/one/kill", label="kill when idle")
        server.post("/hub/repos/one/remove", label="remove with a worktree")
        server.get("/hub/repos", label="the list")
        server.post("/hub/worktrees/cleanup", {"worktreeRepoId": "one--feat-x", "force": True}, label="cleanup")
        server.post("/hub/repos/fresh/remove", {"force": True}, label="remove")
        server.get("/repos/fresh/api/version", label="fresh is gone")
        server.post("/hub/repos/nobody/remove", label="remove nobody")
        job = server.post("/hub/jobs/repos", {"repo_id": "later"}, label="a job")
        done = _wait(server, job)
        w.note("the job's end", f"{done['kind']} {done['status']} {done['error']} {done['result']['id']}")


def _wait(server, job):
    """The job when it has ended. Its id differs, so what is recorded is only what it came to."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        said = json.loads(server.send("GET", f"/hub/jobs/{job['job_id']}")[1])
        if said["status"] in ("succeeded", "failed"):
            return said
        time.sleep(0.05)
    raise RuntimeError("the job does not end")

"""A directory of repositories."""

import json

from world import CAR_DIR


def _hub(w, *repositories):
    for name in repositories:
        w.repository(name)
    w.write("codex-autorunner.override.yml", json.dumps({"server": {"port": 9}}))
    w.car("init", "--mode", "hub")


def hub_scan(w):
    _hub(w, "one", "two")
    w.write("no-repository/file.txt", "text\n")
    w.car("hub", "scan")
    w.car("hub", "scan", label="again")
    w.car("hub", "scan", "--path", "one", label="in a repository")


def hub_scan_finds_worktrees(w):
    _hub(w, "one")
    w.git("worktree", "add", "--quiet", "-b", "feat/x", str(w.root / "worktrees" / "one--feat-x"), cwd="one")
    w.car("hub", "scan")
    w.look("manifest", f"{CAR_DIR}/manifest.yml")


def hub_scan_of_every_state(w):
    _hub(w, "failed", "gone", "locked", "running", "idle")
    w.car("hub", "scan")
    _state(w, "failed", status="error", last_run_id=2, last_exit_code=3)
    _state(w, "running", status="running", runner_pid=4194303)
    w.write(f"running/{CAR_DIR}/lock", '{"pid": 4194303}\n')
    w.write(f"locked/{CAR_DIR}/lock", '{"pid": 4194303}\n')
    (w.root / "gone").rename(w.root.parent / "gone")
    w.car("hub", "scan", label="later")


def _state(w, repo, **values):
    path = f"{repo}/{CAR_DIR}/state.json"
    w.write(path, json.dumps({**json.loads(w.read(path)), **values}))


def hub_without_auto_init(w):
    _hub(w)
    w.write(f"{CAR_DIR}/config.yml", "mode: hub\nversion: 2\nhub:\n  auto_init_missing: false\n")
    w.repository("bare")
    w.car("hub", "scan")


def hub_with_a_root_of_its_own(w):
    _hub(w)
    w.write(f"{CAR_DIR}/config.yml", "mode: hub\nversion: 2\nhub:\n  repos_root: repos\n  worktrees_root: trees\n")
    w.repository("repos/inner")
    w.repository("outer")
    w.car("hub", "scan")
    w.car("hub", "create", "fresh")
    w.refused("hub", "create", "escape", "--repo-path", "../outside", label="outside")


def hub_with_a_flat_root_file(w):
    w.repository("repos/inner")
    w.repository("outer")
    w.write("codex-autorunner.yml", "hub:\n  repos_root: repos\nserver:\n  port: 9\n")
    w.car("init", "--mode", "hub")
    w.car("hub", "scan")


def hub_create(w):
    _hub(w)
    w.car("hub", "create", "fresh")
    w.car("hub", "create", "named", "--repo-path", "elsewhere")
    w.car("status", "--repo", "fresh")
    w.refused("hub", "create", "fresh", label="exists")
    w.car("hub", "create", "plain", "--no-git-init", label="without git")
    w.car("hub", "scan")


def hub_create_over_a_directory(w):
    _hub(w, "there")
    w.write("there/file.txt", "mine\n")
    w.write(f"there/{CAR_DIR}/TODO.md", "- [ ] mine\n")
    w.refused("hub", "create", "there", label="exists")
    w.car("hub", "create", "there", "--force")


def hub_create_over_the_hub_itself(w):
    _hub(w)
    w.refused("hub", "create", ".", "--force")


def commands_of_the_other_mode(w):
    _hub(w, "one")
    w.refused("status", label="status in a hub")
    w.refused("run", label="run in a hub")
    w.car("init", "one")
    w.refused("hub", "scan", "--path", "one", label="scan in a repository")
    w.refused("hub", "create", "x", "--path", "one", label="create in a repository")
    w.refused("status", "--repo", "nowhere", label="status nowhere")

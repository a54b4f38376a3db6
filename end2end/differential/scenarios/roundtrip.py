"""What the original made is used, run and edited by `car`, and then read again by the original."""

import json

from world import CAR_DIR, DOCUMENTS


def roundtrip_of_a_repository(w):
    w.ready(by=w.programs.original)
    w.original("once", agent="tick; say by the original")
    state = json.loads(w.read(f"{CAR_DIR}/state.json"))
    state["of_another_version"] = {"keep": True}
    w.document("state.json", json.dumps(state))
    w.car("status")
    w.car("log")
    w.car("doctor")
    w.car("once", agent="has by the original; say in between")
    w.look("state in between", f"{CAR_DIR}/state.json")
    w.car("log", "--run", "1")
    w.car("log", "--run", "2")
    w.original("status", label="original reads status")
    w.original("log", label="original reads log")
    w.original("log", "--run", "1", label="original reads run 1")
    w.original("log", "--tail", "4", label="original reads tail")
    w.original("once", agent="has in between; tick; say by the original again", label="original runs")
    w.original("status", label="original ends")


def roundtrip_of_documents(w):
    w.ready(by=w.programs.original)
    w.write("editor", "#!/bin/sh\nprintf -- '- [ ] edited\\n' >>\"$1\"\n")
    (w.root / "editor").chmod(0o755)
    w.car("edit", "todo", env={"EDITOR": str(w.root / "editor")})
    w.original("status", label="original after edit")
    w.car("clear-docs", "--yes")
    w.original("status", label="original after clear")
    sections = "say <TODO>- [ ] a</TODO><PROGRESS>b</PROGRESS><OPINIONS>c</OPINIONS>"
    w.original("ingest-spec", "--force", agent=sections, label="original ingests")


def roundtrip_of_a_failure(w):
    w.ready(by=w.programs.original)
    w.car("once", agent="say trying; exit 7")
    w.original("status", label="original reads status")
    w.original("resume", "--once", agent="has trying; tick; say resumed", label="original resumes")
    w.car("status", label="car reads")


def roundtrip_with_the_log_elsewhere(w):
    w.ready(by=w.programs.original, log={"path": "logs/car.log"})
    w.original("once", agent="tick; say by the original")
    w.car("log")
    w.car("once", agent="has by the original; say in between")
    w.original("log", label="original reads log")
    w.original("log", "--run", "1", label="original reads run 1")


def roundtrip_to_the_end(w):
    w.ready(by=w.programs.original)
    w.car("run", agent="tick; say on")
    w.original("status", label="original reads status")
    w.original("run", label="original finds nothing to do")
    w.look("summary", f"{CAR_DIR}/SUMMARY.md")


def roundtrip_of_a_hub(w):
    w.repository("one")
    w.write("codex-autorunner.override.yml", json.dumps({"server": {"port": 9}}))
    w.original("init")
    w.original("hub", "create", "two")
    w.git("worktree", "add", "--quiet", "-b", "feat", str(w.root / "worktrees" / "one--feat"), cwd="one")
    w.original("hub", "scan")
    manifest = w.read(f"{CAR_DIR}/manifest.yml")
    w.document("manifest.yml", manifest.replace("version: 2\n", "version: 2\nof_another_version: kept\n"))
    for name, content in DOCUMENTS.items():
        w.write(f"worktrees/one--feat/{CAR_DIR}/{name}", content)
    w.car("hub", "scan", label="car scans")
    w.car("hub", "create", "three", label="car creates")
    w.car("once", "--repo", "worktrees/one--feat", agent="tick; say in the worktree")
    w.car("usage", label="car counts")
    w.look("manifest in between", f"{CAR_DIR}/manifest.yml")
    w.original("hub", "scan", label="original scans")
    w.original("status", "--repo", "worktrees/one--feat", label="original in the worktree")
    w.original("status", "--repo", "three", label="original in the new repository")

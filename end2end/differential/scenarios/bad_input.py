"""Files that cannot be used: each is named with what to do about it, and none is changed."""

import json

from world import CAR_DIR

WRONG_SETTINGS = {
    "version": 3,
    "mode": "both",
    "docs": {"todo": ""},
    "docs as a list": {"docs": []},
    "docs.spec": {"docs": {"spec": 5}},
    "codex.binary": {"codex": {"binary": ""}},
    "codex.args": {"codex": {"args": "--yolo"}},
    "codex.model": {"codex": {"model": 5}},
    "prompt.prev_run_max_chars": {"prompt": {"prev_run_max_chars": "many"}},
    "runner.sleep_seconds": {"runner": {"sleep_seconds": "five"}},
    "runner.stop_after_runs": {"runner": {"stop_after_runs": "two"}},
    "runner.max_wallclock_seconds": {"runner": {"max_wallclock_seconds": []}},
    "git.auto_commit": {"git": {"auto_commit": "maybe"}},
    "git.commit_message_template": {"git": {"commit_message_template": 5}},
    "github.enabled": {"github": {"enabled": "maybe"}},
    "server.host": {"server": {"host": "0.0.0.0"}},
    "server.port": {"server": {"port": "web"}},
    "server.base_path": {"server": {"base_path": 5}},
    "server.allowed_hosts": {"server": {"allowed_hosts": "me"}},
    "notifications.events": {"notifications": {"events": "all"}},
    "notifications.enabled": {"notifications": {"enabled": 5}},
    "terminal.idle_timeout_seconds": {"terminal": {"idle_timeout_seconds": -1}},
    "log as text": {"log": "here"},
    "log.max_bytes": {"log": {"max_bytes": "big"}},
    "voice as a list": {"voice": []},
    "static_assets.max_cache_entries": {"static_assets": {"max_cache_entries": -1}},
    "housekeeping.interval_seconds": {"housekeeping": {"interval_seconds": 0}},
    "housekeeping.rules": {"housekeeping": {"rules": "all"}},
    "telegram_bot.mode": {"telegram_bot": {"enabled": "maybe"}},
}


def wrong_settings(w):
    w.ready()
    for name, value in WRONG_SETTINGS.items():
        settings = value if isinstance(value, dict) and "." in name or " " in name else {name: value}
        w.document("config.yml", json.dumps(settings))
        w.refused("status", label=name)


def broken_yaml(w):
    w.ready()
    for name, content in (("not closed", "runner: {sleep_seconds: 5\n"), ("a list", "- a\n"), ("tabs", "runner:\n\tsleep_seconds: 5\n")):
        w.document("config.yml", content)
        for command in ("status", "run", "doctor"):
            w.refused(command, agent="tick-all", label=f"{command}, {name}")
    w.document("config.yml", "")
    w.write("codex-autorunner.override.yml", "a: b: c\n")
    w.refused("status", label="override")
    w.remove("codex-autorunner.override.yml")
    w.write("codex-autorunner.yml", "- a\n")
    w.refused("status", label="root")


def settings_nobody_knows(w):
    w.ready()
    w.document("config.yml", "codex:\n  modle: x\nfuture:\n  key: 1\n")
    w.car("status")


def settings_as_yaml_1_1_reads_them(w):
    w.ready()
    w.document("config.yml", "git:\n  auto_commit: on\nrunner:\n  sleep_seconds: 0\n  stop_after_runs: 01\nserver:\n  access_log: no\n")
    w.car("run", agent="tick; say one")
    w.car("status")


def corrupt_state(w):
    w.ready()
    for name, content in (("half", '{"last_run_id": 3, "sta'), ("empty", ""), ("a list", "[]"), ("a text", '{"last_run_id": "three"}')):
        w.document("state.json", content)
        for command in ("status", "log", "doctor"):
            w.car(command, label=f"{command}, {name}")
        w.expect(w.read(f"{CAR_DIR}/state.json") == content, f"state.json ({name}) was changed by a command that only looks")
        w.car("kill", label=f"kill, {name}")
    w.document("state.json", '{"last_run_id": 3, "sta')
    w.car("once", agent="tick; say done")
    w.car("status", label="status after it was put aside")
    kept = [path for path in (w.root / CAR_DIR).glob("state.json*") if path.read_text() == '{"last_run_id": 3, "sta']
    w.expect(kept, "the damaged state.json is gone")


def corrupt_manifest(w):
    w.repository("one")
    w.car("init")
    manifests = {
        "version": "version: 9\nrepos: []\n",
        "broken": "version: 2\nrepos: [\n",
        "a list": "- one\n",
    }
    for name, content in manifests.items():
        w.document("manifest.yml", content)
        w.refused("hub", "scan", label=f"scan, {name}")
        w.refused("hub", "create", "fresh", label=f"create, {name}")


def manifest_with_entries_nobody_understands(w):
    w.repository("one")
    w.car("init")
    entry = "- id: {}\n  path: {}\n  kind: {}\n"
    w.document("manifest.yml", "version: 2\nrepos:\n" + entry.format("far", "far", "spaceship") + entry.format("one", "one", "base"))
    w.car("hub", "scan", label="scan, kind")
    w.expect("spaceship" in w.read(f"{CAR_DIR}/manifest.yml"), "the entry of an unknown kind is gone from the manifest")
    w.document("manifest.yml", "version: 2\nrepos:\n- path: nameless\n- id: one\n  path: one\n  kind: base\n  colour: red\n")
    w.car("hub", "scan", label="scan, no id")
    for kept in ("nameless", "colour"):
        w.expect(kept in w.read(f"{CAR_DIR}/manifest.yml"), f"{kept} is gone from the manifest")


def text_that_is_not_utf_8(w):
    w.ready()
    (w.root / CAR_DIR / "TODO.md").write_bytes(b"- [ ] caf\xe9\n- [ ] more\n")
    w.car("status")
    w.car("once", agent="say read it")


def a_log_that_cannot_be_written(w):
    w.ready()
    w.remove(f"{CAR_DIR}/codex-autorunner.log")
    (w.root / CAR_DIR / "codex-autorunner.log").mkdir()
    w.car("once", agent="tick; say done")

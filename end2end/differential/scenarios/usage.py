"""Counting tokens in the session files of Codex."""

import json


def _record(at, total, last=None, limits=None, model=None):
    """A `token_count` event; the numbers are input, cached input, output, reasoning."""

    def usage(numbers):
        names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
        return {**dict(zip(names, numbers)), "total_tokens": numbers[0] + numbers[2]}

    info = {"total_token_usage": usage(total), **({"last_token_usage": usage(last)} if last else {})}
    return {"timestamp": at, "type": "event_msg", "payload": {"type": "token_count", "info": info, "rate_limits": limits}}


def _session(w, name, cwd, *records):
    meta = {"timestamp": "2025-12-01T00:00:00Z", "type": "session_meta", "payload": {"cwd": str(cwd), "model_provider": "openai"}}
    lines = [record if isinstance(record, str) else json.dumps(record) for record in (meta, *records)]
    path = w.home / ".codex" / "sessions" / "2025" / "12" / "01" / f"rollout-{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


LIMITS = {"primary": {"used_percent": 12.5, "window_minutes": 300}, "secondary": {"used_percent": 3.0, "window_minutes": 10080}}


def _two_days(w, cwd):
    _session(
        w, "first", cwd,
        _record("2025-12-01T10:00:00Z", (100, 40, 20, 5), (100, 40, 20, 5), LIMITS),
        _record("2025-12-01T11:00:00Z", (300, 90, 50, 9), (200, 50, 30, 4)),
    )
    _session(w, "second", cwd / "src", _record("2025-12-02T10:00:00Z", (10, 0, 5, 0)), _record("2025-12-02T11:00:00Z", (30, 10, 9, 1)))
    _session(w, "elsewhere", "/somewhere/else", _record("2025-12-01T10:00:00Z", (7, 0, 7, 0), (7, 0, 7, 0)))


def usage_of_a_repository(w):
    w.ready()
    w.car("usage", label="nothing yet")
    _two_days(w, w.root)
    w.car("usage")
    w.car("usage", "--json")
    w.car("usage", "--since", "2025-12-02", label="since")
    w.car("usage", "--until", "2025-12-01T10:00Z", "--json", label="until")
    w.car("usage", "--since", "2025-12-01T10:30:00+00:00", "--until", "2025-12-02T10:30:00", label="between")
    w.car("usage", "--codex-home", "nowhere", label="another home")


def usage_with_a_wrong_time(w):
    w.ready()
    w.car("usage", "--since", "yesterday-ish")
    w.car("usage", "--until", "2025-13-01")


def usage_of_odd_records(w):
    w.ready()
    good = _record("2025-12-01T10:00:00Z", (100, 0, 10, 0), (100, 0, 10, 0))
    _session(w, "odd", w.root, "{ half a li", "", '{"type": "other"}', good, json.dumps(good)[:60])
    w.car("usage")


def usage_with_a_broken_time(w):
    w.ready()
    broken = _record("tomorrow", (1, 0, 1, 0), (1, 0, 1, 0))
    _session(w, "odd", w.root, broken, _record("2025-12-01T10:00:00Z", (101, 0, 11, 0), (100, 0, 10, 0)))
    w.car("usage")


def usage_told_twice(w):
    w.ready()
    told = _record("2025-12-01T10:00:00Z", (100, 0, 10, 0), (100, 0, 10, 0))
    _session(w, "twice", w.root, told, told)
    w.car("usage")


def usage_of_only_limits(w):
    w.ready()
    record = _record("2025-12-01T10:00:00Z", (0, 0, 0, 0), None, LIMITS)
    record["payload"]["info"] = None
    _session(w, "limits", w.root, record)
    w.car("usage")


def usage_of_a_hub(w):
    w.repository("one")
    w.repository("two")
    w.car("init")
    w.car("hub", "scan")
    _two_days(w, w.root / "one")
    _session(w, "two", w.root / "two", _record("2025-12-03T10:00:00Z", (5, 0, 5, 0), (5, 0, 5, 0)))
    w.car("usage")
    w.car("usage", "--json")
    w.car("usage", "--repo", "one", label="one repository")

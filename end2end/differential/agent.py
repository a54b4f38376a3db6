"""The scripted agent both programs run as `codex`.

It takes its prompt as the last argument or, where that is `-`, from standard input, and then does what the variable AGENT says:
actions separated by `;`. With `--json` it reports the way `codex exec --json` does, otherwise in plain lines.
A prompt that asks for the final report is answered with AGENT_REPORT. Nothing in it depends on the clock or on chance.
"""

import json
import os
import signal
import sys
import time
import uuid
from pathlib import Path

REPORT = r"write .codex-autorunner/SUMMARY.md # Summary\n\nAll is done.\n; say Agent: report written"
TODO = Path(".codex-autorunner/TODO.md")
HOLD_LIMIT_SECONDS = 60


def main():
    arguments = sys.argv[1:]
    if "--help" in arguments or "--version" in arguments:
        print("codex-cli 0.0.0")
        return
    if arguments[:1] == ["app-server"]:
        sys.exit("error: unrecognized subcommand 'app-server'")  # As an older Codex says.
    prompt = arguments[-1] if arguments and arguments[-1] != "-" else sys.stdin.read()
    report = "<SUMMARY_EXISTING>" in prompt
    script = os.environ.get("AGENT_REPORT", REPORT) if report else os.environ.get("AGENT", "say nothing to do")
    say = speaker("--json" in arguments, prompt)
    for action in filter(None, (part.strip() for part in script.split(";"))):
        word, _, rest = action.partition(" ")
        ACTIONS[word](rest.replace("\\n", "\n"), prompt, say)
    say(None)


def speaker(as_json, prompt):
    """A function that says one message; None ends the turn."""
    messages = []

    def event(**fields):
        print(json.dumps(fields), flush=True)

    def say_json(text):
        if text is None:
            usage = {"input_tokens": 10, "cached_input_tokens": 0, "output_tokens": 5}
            return event(type="turn.completed", usage=usage)
        event(type="item.completed", item={"id": "item_0", "type": "agent_message", "text": text})

    def say_plain(text):
        """What happens goes to standard error, the last message to standard output as well."""
        messages.append(text)
        told = f"codex\n{text}" if text is not None else "tokens used\n15"
        print(told, file=sys.stderr, flush=True)
        if text is None and len(messages) > 1:
            print(messages[-2], flush=True)

    if not as_json:
        return say_plain
    event(type="thread.started", thread_id=str(uuid.uuid5(uuid.NAMESPACE_URL, prompt)))
    event(type="turn.started")
    return say_json


def tick(_rest, _prompt, _say):
    TODO.write_text(TODO.read_text().replace("- [ ]", "- [x]", 1))


def tick_all(_rest, _prompt, _say):
    TODO.write_text(TODO.read_text().replace("- [ ]", "- [x]"))


def write(rest, _prompt, _say):
    """`write PATH TEXT`"""
    path, _, text = rest.partition(" ")
    Path(path).write_text(text)


def has(rest, prompt, say):
    """Says whether the prompt contains a text."""
    say(f"the prompt {'contains' if rest in prompt else 'lacks'}: {rest}")


def variable(name, _prompt, say):
    say(f"{name}={os.environ.get(name)}")


def needs(rest, prompt, _say):
    """Fails when the prompt lacks a text."""
    if rest not in prompt:
        sys.exit(f"the prompt lacks: {rest}")


def hates(rest, prompt, _say):
    """Fails when the prompt contains a text."""
    if rest in prompt:
        sys.exit(f"the prompt contains: {rest}")


def hold(_rest, _prompt, _say):
    """Stays at work until somebody makes the file `release`, or ends it."""
    Path("holding").touch()
    end = time.monotonic() + HOLD_LIMIT_SECONDS
    while not Path("release").exists() and Path("holding").exists() and time.monotonic() < end:
        time.sleep(0.02)


ACTIONS = {
    "say": lambda rest, _prompt, say: say(rest),
    "warn": lambda rest, _prompt, _say: print(rest, file=sys.stderr, flush=True),
    "exit": lambda rest, _prompt, _say: sys.exit(int(rest)),
    "die": lambda _rest, _prompt, _say: os.kill(os.getpid(), signal.SIGKILL),
    "tick": tick,
    "tick-all": tick_all,
    "write": write,
    # What comes before the prompt, or the `-` in its place.
    "arguments": lambda _rest, _prompt, say: say(" ".join(sys.argv[1:-1])),
    "variable": variable,
    "has": has,
    "needs": needs,
    "hates": hates,
    "hold": hold,
}

if __name__ == "__main__":
    main()

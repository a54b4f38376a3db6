"""Where a scenario happens: a directory of its own with a repository or a hub in it, once for each program."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import normalise
import original
from web import Server

HERE = Path(__file__).resolve().parent
CAR_DIR = ".codex-autorunner"
STEP_LIMIT_SECONDS = 60
# Nothing listens on port 9, and nothing waits between two runs.
SETTINGS = {"runner": {"sleep_seconds": 0}, "server": {"port": 9}}
DOCUMENTS = {
    "TODO.md": "# TODO\n\n- [ ] first\n- [ ] second\n- [x] before\n",
    "PROGRESS.md": "# Progress\n\nBegun.\n",
    "OPINIONS.md": "# Opinions\n\n- Small steps.\n",
    "SPEC.md": "# Spec\n\nA small program.\n",
    "SUMMARY.md": "# Summary\n",
}


class Missing(Exception):
    """Our program has no such command."""


@dataclass(frozen=True)
class Programs:
    """What is compared: command lines, and the commands ours has. Repositories that were made once are kept to be copied."""

    original: tuple
    car: tuple
    commands: frozenset
    made: dict = field(default_factory=dict)
    making: threading.Lock = field(default_factory=threading.Lock)


class World:
    """One side of a scenario. What happens in it is recorded in `observations`, a dictionary from field to lines."""

    def __init__(self, base, programs, is_car):
        self.base, self.programs, self.is_car = base, programs, is_car
        self.root, self.home = base / "work", base / "home"
        self.observations, self.failures, self.started = {}, [], []
        self.compares_files = True
        for directory in (self.root, self.home / ".codex", base / "bin"):
            directory.mkdir(parents=True)
        agent = base / "bin" / "codex"
        agent.write_text(f'#!/bin/sh\nexec {programs.original[0]} -IS {HERE / "agent.py"} "$@"\n')
        agent.chmod(0o755)

    # What there is before the programs come.

    def write(self, path, content):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def document(self, name, content):
        self.write(f"{CAR_DIR}/{name}", content)

    def read(self, path):
        return (self.root / path).read_text()

    def remove(self, path):
        (self.root / path).unlink()

    def git(self, *arguments, cwd="."):
        git = ["git", *arguments]
        done = subprocess.run(git, cwd=self.root / cwd, env=self.env({}), check=True, capture_output=True, text=True)
        return done.stdout

    def repository(self, path="."):
        """A git repository with one commit."""
        (self.root / path).mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", cwd=path)
        self.write(f"{path}/README.md", "# A project\n")
        self.git("add", "README.md", cwd=path)
        self.git("commit", "--quiet", "--message=Begin", cwd=path)

    def ready(self, by=None, **sections):
        """A repository that a program initialised, with documents that say the same for both, and with these settings."""
        by = by or self.own()
        settings = {name: {**SETTINGS.get(name, {}), **sections.get(name, {})} for name in {**SETTINGS, **sections}}
        override = json.dumps(settings)
        with self.programs.making:
            made = self.programs.made.get((by, override))
            if made is None:
                self.repository()
                self.write("codex-autorunner.override.yml", override)
                self.execute(by, ["init"]).check_returncode()
                for name, content in DOCUMENTS.items():
                    self.document(name, content)
                made = self.base.parent.parent / "made" / str(len(self.programs.made))
                shutil.copytree(self.root, made)
                self.programs.made[(by, override)] = made
            else:
                shutil.copytree(made, self.root, dirs_exist_ok=True)

    # What the programs do.

    def own(self):
        return self.programs.car if self.is_car else self.programs.original

    def env(self, more):
        passes = f"{self.base / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        person = {"NAME": "A. Person", "EMAIL": "person@example.org", "DATE": "2025-01-02T03:04:05Z"}
        return {
            "PATH": passes,
            "HOME": str(self.home),
            "CODEX_HOME": str(self.home / ".codex"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "COLUMNS": "200",
            "http_proxy": "http://127.0.0.1:9",
            "https_proxy": "http://127.0.0.1:9",
            "no_proxy": "127.0.0.1",
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()},
            **more,
        }

    def execute(self, program, arguments, cwd=".", stdin="", env=()):
        if program == self.programs.original:
            return original.started(arguments, self.root / cwd, self.env(dict(env)), stdin, STEP_LIMIT_SECONDS)
        return subprocess.run(
            [*program, *arguments],
            cwd=self.root / cwd,
            env=self.env(dict(env)),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=STEP_LIMIT_SECONDS,
            check=False,
        )

    def car(self, *arguments, agent=None, label=None, texts=True, program=None, **options):
        """Runs this side's program and records what it said, under the command's name or a label."""
        self.require(arguments)
        program = program or self.own()
        env = {**options.pop("env", {}), **({"AGENT": agent} if agent else {})}
        done = self.execute(program, arguments, env=env, **options)
        field = self.field(label or " ".join(self.words(arguments)) or "no command")
        self.observations[f"{field}.exit"] = [str(done.returncode)]
        if texts:
            form = "out.json" if "--json" in arguments else "out"
            self.observations[f"{field}.out"] = normalise.file(form, done.stdout.encode(), self.names())
            marked = program == self.programs.car
            self.observations[f"{field}.err"] = normalise.message(done.stderr, done.returncode, marked, self.names())
        return done

    def original(self, *arguments, **options):
        """Runs the original on both sides: what it makes of what this side's program left."""
        return self.car(*arguments, program=self.programs.original, **options)

    def refused(self, *arguments, **options):
        """Runs this side's program on something it cannot use. Ours says what to do and leaves every file alone."""
        before = self.contents()
        done = self.car(*arguments, **options)
        if not self.is_car:
            return
        after = self.contents()
        changed = [str(path) for path, content in before.items() if after.get(path) != content]
        told = {line.split(":")[0] for line in done.stderr.splitlines()}
        command = " ".join(arguments)
        self.expect(done.returncode != 0, f"car {command} was to be refused")
        self.expect({"error", "hint"} <= told, f"car {command} gives no error with a hint:\n{done.stderr}")
        self.expect(not changed, f"car {command} was refused and changed {', '.join(changed)}")

    def expect(self, holds, otherwise):
        """Says what is wrong with our program; what the original does here is its own affair."""
        if self.is_car and not holds:
            self.failures.append(otherwise)

    @contextlib.contextmanager
    def at_work(self, *arguments, agent="hold"):
        """This side's program at work in the background, until its agent is at work too; ended afterwards."""
        self.require(arguments)
        command = [*self.own(), *arguments]
        process = subprocess.Popen(
            command, cwd=self.root, env=self.env({"AGENT": agent}), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + STEP_LIMIT_SECONDS
        while not (self.root / "holding").exists():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command} did not start its agent")
            time.sleep(0.02)
        try:
            yield process
            self.write("release", "")
            process.wait(STEP_LIMIT_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for name in ("holding", "release"):
                (self.root / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def served(self, *arguments):
        """This side's program as a server, with nobody asked to log in where the settings say so."""
        self.require(arguments)
        # What a server keeps for itself is its own affair; what it writes for others, its answers tell.
        self.compares_files = False
        server = Server(self, arguments)
        try:
            yield server
        finally:
            server.end()

    def words(self, arguments):
        """The name of a command: `status`, `hub scan`."""
        words = [word for word in arguments[:2] if not word.startswith("-")]
        return words if words[:1] == ["hub"] else words[:1]

    def require(self, arguments):
        command = " ".join(self.words(arguments))
        if command in ORIGINAL_COMMANDS and command not in self.programs.commands:
            raise Missing(command)

    # What is left.

    def names(self):
        return [(self.root, "<work>"), (self.home, "<home>"), (self.base, "<base>")]

    def field(self, name):
        """`name`, or `name#2` when something was recorded under it already."""
        taken = {field.rpartition(".")[0] for field in self.observations}
        n = 1
        while (name if n == 1 else f"{name}#{n}") in taken:
            n += 1
        return name if n == 1 else f"{name}#{n}"

    def note(self, field, text):
        """Records something else that both programs are compared by."""
        self.observations[field] = normalise.lines(text, self.names())

    def look(self, field, path):
        """Records a file as it is now."""
        path = self.root / path
        self.observations[field] = normalise.file(path.name, path.read_bytes(), self.names())

    def contents(self):
        """Every file in the directory and the home, but what git keeps for itself."""
        found = {}
        for directory in (self.root, self.home):
            for path in sorted(directory.rglob("*")):
                parts = path.relative_to(directory).parts
                inside_git = ".git" in parts[:-1] and parts[-1] != ".git"
                if path.is_file() and not inside_git:
                    prefix = "~" if directory == self.home else ""
                    found[Path(prefix, *parts)] = path.read_bytes()
        return found

    def record_files(self):
        if not self.compares_files:
            return
        for path, content in self.contents().items():
            self.observations[f"file {path}"] = normalise.file(path.name, content, self.names())


ORIGINAL_COMMANDS = {
    "init", "status", "sessions", "stop-session", "usage", "run", "once", "kill", "resume", "log", "edit", "ingest-spec",
    "clear-docs", "doctor", "snapshot", "serve", "hub", "hub create", "hub serve", "hub scan", "telegram",
}

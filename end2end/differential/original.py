"""The original: installed in a virtual environment that is kept between runs, and run in processes that have it loaded already.

Starting it takes half a second, nearly all of it for loading libraries, so a fork server loads it once.
"""

import hashlib
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
OLDEST_PYTHON = (3, 9)
# How pip says that it cannot reach the index, rather than that the index has no such package.
UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolution|Name or service not known|ProxyError|ConnectTimeout|ReadTimeout"
    r"|Connection refused|Network is unreachable|Max retries exceeded|SSLError|timed out",
    re.IGNORECASE,
)


COMMAND = (sys.executable, "-m", "codex_autorunner.cli")


class Skip(Exception):
    """The harness cannot run on this machine; the text says why."""


def python(target_dir):
    """The Python of an environment that has the original, made when there is none yet."""
    if sys.version_info < OLDEST_PYTHON:
        raise Skip(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed and this is {sys.version.split()[0]}")
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    environment = cache_dir(target_dir) / key
    if not environment.exists():
        install(environment)
    return environment / "bin" / "python"


def cache_dir(target_dir):
    """Where environments are kept: the user's cache, or the target directory where that cannot be written."""
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for candidate in (Path(user) / "car" / "differential", target_dir / "differential"):
        try:
            candidate.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=candidate):
                return candidate
        except OSError:
            continue
    raise Skip(f"neither {user} nor {target_dir} can be written")


def install(environment):
    """Makes the environment aside and moves it into place, so that half an environment is never used."""
    aside = environment.with_name(f"{environment.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        made = run(sys.executable, "-m", "venv", aside)
        if made.returncode != 0:
            raise Skip(f"Python cannot make a virtual environment ({last_line(made)}); on Debian install python3-venv")
        pip = [aside / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        installed = run(*pip, "--no-deps", "--retries", "1", "--timeout", "20", "--requirement", REQUIREMENTS)
        if installed.returncode != 0 and UNREACHABLE.search(installed.stdout + installed.stderr):
            raise Skip("the Python package index cannot be reached, so there is no original to compare with")
        if installed.returncode != 0:
            sys.exit(f"error: pip could not install {REQUIREMENTS}:\n{installed.stderr}")
        try:
            aside.rename(environment)
        except OSError:
            if not environment.exists():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def last_line(finished):
    lines = (finished.stdout + finished.stderr).strip().splitlines()
    return lines[-1] if lines else f"exit code {finished.returncode}"


def started(arguments, cwd, env, stdin, limit_seconds):
    """Runs the original as COMMAND would; gives what `subprocess.run` gives."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["codex_autorunner.cli", "original"])
    with tempfile.TemporaryDirectory() as scratch:
        *streams, exit_code = [Path(scratch, name) for name in ("stdin", "stdout", "stderr", "exit code")]
        streams[0].write_text(stdin)
        process = context.Process(target=be_the_original, args=(arguments, cwd, env, streams, exit_code))
        process.start()
        process.join(limit_seconds)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired([*COMMAND, *arguments], limit_seconds)
        out, err = (stream.read_text() for stream in streams[1:])
        # Not that of the process, which another thread may have asked for before us.
        code = int(exit_code.read_text())
        return subprocess.CompletedProcess([*COMMAND, *arguments], code, out, err)


def be_the_original(arguments, cwd, env, streams, exit_code):
    """What a process of the fork server does: takes over the streams, the directory and the variables, and runs."""
    for number, (path, mode) in enumerate(zip(streams, ("r", "w", "w"))):
        with open(path, mode) as stream:
            os.dup2(stream.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, mode, closefd=False) for n, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = [COMMAND[-1], *arguments]
    from codex_autorunner.cli import app

    code = 0
    try:
        app()
    except SystemExit as exit:
        code = exit.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    exit_code.write_text(str(code))

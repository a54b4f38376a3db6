"""The original, installed in a virtual environment that is kept between runs, outside the clone where possible."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
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

"""A program's server, asked over HTTP."""

import http.client
import json
import re
import socket
import subprocess
import time

import normalise

PATIENCE_SECONDS = 60


class Server:
    """A server at work. What it answers is recorded in the observations of its world."""

    def __init__(self, world, arguments):
        self.world = world
        self.port = free_port()
        command = [*world.own(), *arguments, "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=world.root, env=world.env({}),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.end()
                raise RuntimeError(f"{' '.join(command)} does not answer")
            time.sleep(0.05)

    def answers(self):
        try:
            return self.send("GET", "/health")[0] == 200
        except OSError:
            return False

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def send(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            headers = {} if body is None else {"content-type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask(self, method, path, body=None, label=None):
        """Asks, and records status and JSON, value by value. Gives the JSON."""
        status, content = self.send(method, path, body)
        field = self.world.field(label or f"{method} {path}")
        self.world.observations[f"{field}.status"] = [str(status)]
        try:
            said = json.loads(content)
        except ValueError:
            said = None
        shown = said
        if status >= 400:
            # More than this the original does not say; what is wrong with a body it tells as a list of its library's own.
            detail = said.get("detail") if isinstance(said, dict) else said
            shown = {"detail": detail} if isinstance(detail, str) and status != 422 else {}
        names = [*self.world.names(), (f'"asset_version": "{version(said)}"', '"asset_version": "<version>"')]
        text = json.dumps(shown)
        for old, new in names:
            text = text.replace(str(old), new)
        text = re.sub(r'("job_id": )"[0-9a-f]{32}"', r'\1"<job>"', text)
        self.world.observations[f"{field}.json"] = normalise.file("answer.json", text.encode(), self.world.names())
        return said

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def put(self, path, body, **options):
        return self.ask("PUT", path, body, **options)


def version(said):
    return said.get("asset_version") if isinstance(said, dict) else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]

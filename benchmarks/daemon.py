# SPDX-License-Identifier: Apache-2.0
"""A jobsd of a benchmark's own, and its API."""
import contextlib
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time

from harness import CGROUPS, NULL, remove_cgroups


def submission(command, *flags):
    """The body of a `POST /v1/jobs`, as `jobs submit` sends it; flags are pairs of name and value."""
    text = json.dumps({"command": command})
    job = {"text": text, "path": command[0].rsplit("/", 1)[-1] + ".json", "executable": False, "arguments": [],
           "flags": flags}
    return json.dumps({"job": job, "environment": {}, "directory": "/", "umask": 18, "rlimits": {"nofile": 1024}})


class Connection:
    """A kept-alive connection to the API. Bare, because http.client would take as long as what is measured."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def send(self, method, target, body=""):
        head = f"{method} {target} HTTP/1.1\r\nHost: jobs\r\nContent-Length: {len(body)}\r\n\r\n"
        self.socket.sendall((head + body).encode())

    def receive(self):
        """The answer's body; a refusal is not a measurement."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, body = data.split(b"\r\n\r\n", 1)
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        parts, missing = [body], length - len(body)
        while missing > 0:
            parts.append(self.more())
            missing -= len(parts[-1])
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            sys.exit(f"jobsd: {head.splitlines()[0].decode()}: {b''.join(parts).decode()}")
        return b"".join(parts)

    def more(self):
        return self.socket.recv(1 << 20) or sys.exit("jobsd closed the connection")

    def ask(self, method, target, body=""):
        self.send(method, target, body)
        return self.receive()


class Daemon:
    """A jobsd of its own below `home`, until the end of the `with`; it leaves nothing."""

    def __init__(self, programs, home, *flags):
        self.home, self.flags, self.program = home, flags, programs["jobsd"]
        self.socket = f"{home}/run/jobs.sock"
        self.process = None
        self.environment = os.environ | {"JOBS_STATE_DIR": f"{home}/state", "JOBS_RUNTIME_DIR": f"{home}/run"}
        # The newest job's id, so that the next one's is known before it is submitted.
        self.last_id = 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def start(self):
        self.home.mkdir(exist_ok=True)
        ready, said = os.pipe()
        self.process = subprocess.Popen(
            [self.program, "--ready-fd", str(said), "--log", f"{self.home}/log", *self.flags], env=self.environment,
            stdin=NULL, stdout=NULL, stderr=NULL, pass_fds=[said])
        os.close(said)
        with open(ready) as file:
            word = file.readline().strip()
        if word != "ready":
            sys.exit(f"jobsd does not start: {word}")
        self.connection = Connection(self.socket)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __exit__(self, kind, *_):
        # Running jobs would outlive it. Also after a failure of ours, but then as well as it goes.
        with contextlib.suppress(*[BaseException] if kind else []):
            # jobsd has ended a connection that was not used for a minute.
            self.connection = Connection(self.socket)
            for job in json.loads(self.connection.ask("GET", "/v1/jobs?state=running,suspended"))["jobs"]:
                self.connection.ask("POST", f"/v1/jobs/{job['id']}/cancel", '{"now": true}')
            self.wait_until_idle()
        self.stop()
        # Where systemd rules, a process that sleeps holds the scope; its cgroup knows it.
        note = self.home / "run/cgroup"
        if note.exists():
            for pid in pathlib.Path(note.read_text().strip(), "keeper/cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        remove_cgroups(self.cgroups)

    @property
    def cgroups(self):
        """Its place in each hierarchy, which it leaves; named by the FNV-1a hash of its state directory."""
        digits = 2_166_136_261
        for byte in f"{self.home}/state".encode():
            digits = (digits ^ byte) * 16_777_619 % 2**32
        own = {path.lstrip("/") for path in CGROUPS.values()}
        places = [pathlib.Path("/sys/fs/cgroup", path, f"jobsd-{digits:08x}") for path in own]
        for hierarchy in pathlib.Path("/sys/fs/cgroup").iterdir():
            places += [hierarchy / path / f"jobsd-{digits:08x}" for path in own]
        return places

    def wait_until_idle(self):
        while json.loads(self.connection.ask("GET", "/v1/jobs?state=running,suspended&limit=1"))["jobs"]:
            time.sleep(0.02)

    def submit(self, body):
        answer = json.loads(self.connection.ask("POST", "/v1/jobs", body))
        self.last_id = answer["id"] + answer["count"] - 1
        return answer["id"]

    def submit_many(self, body, count, connections=8):
        """Submits the same again and again, each time over the connection that is free first."""
        poll, free = select.poll(), {}
        for _ in range(min(connections, count)):
            connection = Connection(self.socket)
            free[connection.socket.fileno()] = connection
            poll.register(connection.socket, select.POLLIN)
            connection.send("POST", "/v1/jobs", body)
        sent, answered = len(free), 0
        while answered < count:
            for fd, _ in poll.poll():
                free[fd].receive()
                answered += 1
                if sent < count:
                    free[fd].send("POST", "/v1/jobs", body)
                    sent += 1
        self.last_id += count

    def ends(self, ids):
        """Yields a job's id when its record is on disk. Only after the first `next`, which yields None, it watches."""
        connection = Connection(self.socket)
        connection.send("GET", "/v1/events?job=" + ",".join(str(number) for number in ids))
        for line in connection.socket.makefile("rb"):
            if line.startswith(b": watching"):
                yield None
            if line.startswith(b"data: "):
                change = json.loads(line[6:])
                if change["state"] == "completed":
                    yield change["job"]
                elif change["state"] not in ("pending", "running", "held"):
                    sys.exit(f"job {change['job']} did not complete: {change['detail']}")

    def memory(self):
        """MB that are resident, and MB of those that belong to no file."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()[1:]
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return kilobytes["Rss"] / 1024, kilobytes["Anonymous"] / 1024

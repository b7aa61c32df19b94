# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: their options, the executables, places, and the table."""
import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "jobs-bench"
NULL = os.open(os.devnull, os.O_RDWR)
# Where we are: our own cgroup of each controller, and whether systemd must be asked for cgroups.
CGROUPS = dict(line.split(":", 2)[1:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines())
RUNS_SYSTEMD = os.path.isdir("/run/systemd/system")
SYSTEMD_RULES = RUNS_SYSTEMD and "memory" not in CGROUPS


def say(text):
    print(text, file=sys.stderr, flush=True)


def options(description):
    """The options of every benchmark, read."""
    # What was started is ended also when `timeout` or a closed terminal ends us.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--install", action="store_true", help="install the peers first (apt, pip), if there are any")
    parser.add_argument("--bin", metavar="DIR", help="measure the executables in DIR instead of building")
    return parser.parse_args()


def install(*packages):
    say("installing the peers")
    subprocess.run(["apt-get", "update", "-qq"], check=True, stdout=sys.stderr)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=True,
                   stdout=sys.stderr, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


def build(directory, *products):
    """Paths of the executables to measure by name; release builds, as they are installed."""
    if directory is None:
        say("building")
        subprocess.run([PROJECT / "scripts/build", *products], check=True, stdout=sys.stderr)
        directory = PROJECT / ".build/release"
    elif (load := os.getloadavg()[0]) > 0.5:
        say(f"the machine is busy (load {load:.1f}): processes of a job wait for each other and for others")
    return {name: str(pathlib.Path(directory).resolve() / name) for name in products}


def compile_c(name, *libraries):
    """A C program of ours. Static, as jobs-init is."""
    CACHE.mkdir(parents=True, exist_ok=True)
    source = PROJECT / f"benchmarks/{name}/{name}.c"
    subprocess.run(["cc", "-O2", "-static", "-o", CACHE / name, source, *libraries], check=True)
    return str(CACHE / name)


def delegated(command):
    """Under systemd on a unified host in a cgroup of its own; elsewhere the command as it is."""
    return ["systemd-run", "--quiet", "--scope", "-p", "Delegate=yes", "--", *command] if SYSTEMD_RULES else command


def print_table(head, rows, right):
    """Columns of which those numbered in `right` are aligned there."""
    rows = [head, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        cells = (f"{cell:{'>' if column in right else '<'}{widths[column]}}" for column, cell in enumerate(row))
        print("  ".join(cells).rstrip())


def remove_cgroups(paths):
    """Takes empty cgroups away, the innermost first; rmdir takes no others."""
    for path in paths:
        for directory, _, _ in os.walk(path, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)


@contextlib.contextmanager
def scratch(prefix):
    """A directory for one run. On a disk: what is durable costs nothing on a tmpfs."""
    CACHE.mkdir(parents=True, exist_ok=True)
    kind = subprocess.run(["stat", "-f", "-c", "%T", CACHE], capture_output=True, text=True, check=True).stdout.strip()
    if kind == "tmpfs":
        say(f"{CACHE} is on a tmpfs: set XDG_CACHE_HOME to a directory on a disk")
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=CACHE))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)

# SPDX-License-Identifier: Apache-2.0
"""Slurm on this machine alone, as plain processes on loopback with a configuration of their own."""
import contextlib
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import time

from harness import NULL, remove_cgroups

# A name of ours for the node, which Slurm's cgroups are called by too.
NODE = f"jobsbench{os.getpid()}"


class Slurm:
    """Runs from `with` to its end. Tuned to start jobs as soon as it can: without the last line but two it takes 3 s."""

    CONFIGURATION = """
        ClusterName=bench
        SlurmctldHost={host}(127.0.0.1)
        SlurmctldPort={controller}
        SlurmdPort={node}
        AuthType=auth/munge
        AuthInfo=socket={home}/munge.sock
        CryptoType=crypto/munge
        SlurmUser=root
        SlurmdUser=root
        StateSaveLocation={home}/state
        SlurmdSpoolDir={home}/spool
        SlurmctldPidFile={home}/slurmctld.pid
        SlurmdPidFile={home}/slurmd.pid
        SlurmctldLogFile={home}/slurmctld.log
        SlurmdLogFile={home}/slurmd.log
        ProctrackType=proctrack/cgroup
        TaskPlugin=task/cgroup
        JobAcctGatherType=jobacct_gather/cgroup
        SelectType=select/cons_tres
        SelectTypeParameters=CR_Core_Memory
        SchedulerType=sched/backfill
        ReturnToService=2
        MpiDefault=none
        DefMemPerCPU=100
        AccountingStorageType=accounting_storage/none
        JobCompType=jobcomp/filetxt
        JobCompLoc={home}/completed
        SchedulerParameters=batch_sched_delay=0,sched_min_interval=1,sched_interval=1,bf_interval=1
        NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000 State=UNKNOWN
        PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
        """
    CGROUPS = "CgroupPlugin={plugin}\nConstrainRAMSpace=yes\nConstrainSwapSpace=yes\nConstrainCores=no\n"

    class Missing(Exception):
        """Why it does not run here."""

    def __init__(self, home, cpus=2):
        self.home, self.cpus, self.processes, self.recorded = home, cpus, [], 0
        # sbin may not be in PATH.
        self.path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        self.environment = os.environ | {"SLURM_CONF": f"{home}/slurm.conf", "PATH": self.path}

    def __enter__(self):
        for program in ("munged", "slurmctld", "slurmd", "sbatch", "sinfo"):
            if not shutil.which(program, path=self.path):
                raise self.Missing(f"{program} is not installed (--install)")
        self.configure()
        try:
            # --force: root may write to the directories above the socket, which is what munged warns of.
            self.start("munged", "--foreground", "--force", f"--socket={self.home}/munge.sock",
                       f"--key-file={self.home}/munge.key", f"--pid-file={self.home}/munged.pid",
                       f"--log-file={self.home}/munged.log", f"--seed-file={self.home}/munged.seed")
            self.wait_for("munged", lambda: (self.home / "munge.sock").exists())
            self.start("slurmctld", "-D")
            self.start("slurmd", "-D", "-N", NODE)
            self.wait_for("slurmd", lambda: self.ask("sinfo", "-h", "-o", "%T").stdout.strip() == "idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def configure(self):
        for name in ("state", "spool"):
            (self.home / name).mkdir(parents=True)
        key = self.home / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        with socket.socket() as a, socket.socket() as b:
            # Two ports that nobody has; both are held until both are known.
            a.bind(("127.0.0.1", 0))
            b.bind(("127.0.0.1", 0))
            controller, node = a.getsockname()[1], b.getsockname()[1]
        text = self.CONFIGURATION.format(
            home=self.home, host=socket.gethostname().split(".")[0], controller=controller, node=node, name=NODE,
            cpus=self.cpus)
        (self.home / "slurm.conf").write_text("\n".join(line.strip() for line in text.splitlines()))
        plugin = "cgroup/v1" if os.path.isdir("/sys/fs/cgroup/memory") else "cgroup/v2\nIgnoreSystemd=yes"
        (self.home / "cgroup.conf").write_text(self.CGROUPS.format(plugin=plugin))

    def start(self, *command):
        log = open(self.home / f"{command[0]}.out", "wb")
        self.processes.append(subprocess.Popen(command, env=self.environment, stdin=NULL, stdout=log, stderr=log))

    def wait_for(self, name, done):
        limit = time.monotonic() + 30
        while not done():
            ended = self.processes[-1].poll() is not None
            if ended or time.monotonic() > limit:
                said = (self.home / f"{name}.out").read_text(errors="replace").strip().splitlines() or ["nothing"]
                raise self.Missing(f"{name} {'ended' if ended else 'did not answer in 30 s'}: {said[-1]}")
            time.sleep(0.1)

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, stdin=NULL, capture_output=True, text=True, timeout=60)

    def rate(self, jobs):
        """Jobs a second, submitted one by one, until the file of completed jobs has all of them."""
        start = time.perf_counter()
        self.recorded += jobs
        for _ in range(jobs):
            done = self.ask("sbatch", "--parsable", "--output", os.devnull, "--wrap", "/bin/true")
            if done.returncode:
                raise SystemExit(f"sbatch: {done.stderr.strip()}")
        completed = self.home / "completed"
        while not completed.exists() or completed.read_bytes().count(b"\n") < self.recorded:
            if time.perf_counter() - start > 120:
                raise SystemExit("Slurm did not complete its jobs in two minutes")
            time.sleep(0.005)
        return jobs / (time.perf_counter() - start)

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                continue
            process.kill()
            process.wait()
        remove_cgroups(pathlib.Path("/sys/fs/cgroup").rglob(f"*{NODE}"))

"""A Slurm cluster of one node, this machine, without accounting; it lives in a folder and ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sacct", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun")
# Memory is held by counting what a job's processes use, which needs no cgroups, so that it works
# in a container too.
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
ReturnToService=2
KillWait=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory_mb} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Return what this machine lacks for a cluster, in words."""
    programs = [name for name in (*DAEMONS, *COMMANDS) if shutil.which(name) is None]
    return programs + ([] if os.geteuid() == 0 else ["the rights of root"])


@contextlib.contextmanager
def running() -> Iterator[Path]:
    """Run a cluster; yield the folder of its commands, which goes first on the path.

    The commands know the cluster's configuration by themselves: a job step of Snakemake does not
    pass `SLURM_CONF` on. At the end jobs are cancelled, daemons stopped and the folder removed;
    RuntimeError where a process of the cluster is left.
    """
    with (tempfile.TemporaryDirectory(prefix="nslib-slurm-") as name,
          contextlib.ExitStack() as stack):
        folder = Path(name)
        folder.chmod(0o755)  # munged wants its socket to be within everybody's reach
        _write_configuration(folder)
        commands = _write_commands(folder)
        try:
            _start(stack, folder, "munged", "--foreground", *(
                f"--{what}={folder}/munge.{what.split('-')[0]}"
                for what in ("key-file", "socket", "pid-file", "log-file", "seed-file")))
            _wait(folder, "munged", lambda: (folder / "munge.socket").exists())
            for daemon in ("slurmctld", "slurmd"):
                _start(stack, folder, daemon, "-D", "-f", str(folder / "slurm.conf"))
            _wait(folder, "slurmd", lambda: _says(commands, "sinfo", "-h", "-o", "%T") == "idle")
            yield commands
        finally:
            _says(commands, "scancel", "--user", "root")
            with contextlib.suppress(TimeoutError):
                _wait(folder, "slurmctld", lambda: _says(commands, "squeue", "-h") == "")
            stack.close()
            left = [process.info for process in psutil.process_iter(["pid", "cmdline"])
                    if name in " ".join(process.info["cmdline"] or ())]
            if left:
                raise RuntimeError(f"cluster: found {left} after its end, expected no process")


def _write_configuration(folder: Path) -> None:
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    with socket.socket() as first, socket.socket() as second:
        for port in (first, second):
            port.bind(("127.0.0.1", 0))
        (folder / "slurm.conf").write_text(CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0], folder=folder, cores=os.cpu_count(),
            memory_mb=psutil.virtual_memory().total // 2**20 * 9 // 10,
            controller_port=first.getsockname()[1], node_port=second.getsockname()[1],
        ))


def _write_commands(folder: Path) -> Path:
    commands = folder / "bin"
    commands.mkdir()
    for name in COMMANDS:
        (commands / name).write_text(
            f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which(name)} "$@"\n')
        (commands / name).chmod(0o755)
    return commands


def _start(stack: contextlib.ExitStack, folder: Path, *command: str) -> None:
    """Start a daemon that ends with the stack; what it says goes to a file in the folder."""
    with (folder / f"{command[0]}.out").open("w") as said:
        daemon = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder)
    stack.callback(daemon.wait)
    stack.callback(daemon.terminate)


def _wait(folder: Path, daemon: str, reached, seconds: float = 30.0) -> None:
    """Wait for a daemon's answer; TimeoutError with what it said where none comes."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            raise TimeoutError(f"{daemon}: found no answer within {seconds:g} s; it said: "
                               + (folder / f"{daemon}.out").read_text()[-2000:])
        time.sleep(0.2)


def _says(commands: Path, command: str, *arguments: str) -> str:
    done = subprocess.run([commands / command, *arguments], capture_output=True, text=True)
    return done.stdout.strip()

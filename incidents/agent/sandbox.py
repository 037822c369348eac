"""The walls around an agent: no network but one socket, nothing to write, its own user, limits. Or no agent.

As root the user is changed inside, after the mounts and before any of our code; as an ordinary user by a user
namespace of its own. On top: no capabilities, no new privileges, a read-only `/proc/sys`, and a filter of system calls.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from django.conf import settings

from incidents.agent import memory, seccomp

WALLS, OFF = "bubblewrap", "off"
USER = 64_720  # of the agent alone, below the range of users that systems make up
MEMORY = 2 * 1024**3  # bytes of address space of one process; importing LangChain takes half of it
# All processes together are bounded by `memory`.
TASKS, FILES, CPU_S = 48, 256, 120  # processes and threads; open files; seconds of processor
SCRATCH = 16 * 1024**2  # bytes of memory that its /tmp may take
PROBE_S = 20  # seconds
SITE, CODE, PYTHON, DOOR = "/site", "/code", "/py", "/door"  # where it finds things
SOCKET = "gateway.sock"
OURS = ("incidents/agent", "integrations/llm")  # what of our code it gets; no settings, no models, no data folder
_START = "import sys; sys.path[:0] = {path!r}; from incidents.agent.loop import main; main()"
# What the probe looks at from inside, as JSON.
_PROBE = """
import json, os
status = dict(line.split(':', 1) for line in open('/proc/self/status').read().splitlines())
net = [line.split(':')[0].strip() for line in open('/proc/net/dev').read().splitlines()[2:]]
def writes(path):
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True
print(json.dumps({'uid': os.getuid(), 'caps': int(status['CapEff'], 16) | int(status['CapBnd'], 16),
    'privileges': status['NoNewPrivs'].strip(), 'filter': status['Seccomp'].strip(), 'net': net,
    'pids': sum(name.isdigit() for name in os.listdir('/proc')), 'sys': writes('/proc/sys/kernel/core_pattern'),
    'root': os.access('/', os.W_OK)}))
"""


@dataclass(frozen=True)
class Walls:
    # bubblewrap or off.
    name: str
    # Why no agent is started; empty when one may be.
    refusal: str = ""


def walls() -> Walls:
    """What an agent would run in here."""
    if settings.SANDBOX == OFF:
        return Walls(OFF)
    if settings.SANDBOX != WALLS:
        return Walls(WALLS, f"COUNTERSIGN_SANDBOX must be {WALLS} or {OFF}.")
    return Walls(WALLS, _refusal())


@contextmanager
def started(door: Path, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The agent, waiting for its job; `door` is the folder of the gateway's socket. It is gone when this ends."""
    fds: list[int] = []
    if settings.SANDBOX == OFF:
        path = [str(settings.BASE_DIR), sysconfig.get_path("purelib")]
        argv = [sys.executable, "-I", "-c", _START.format(path=path)]
    else:
        argv, fds = inside([*_python(), _START.format(path=[CODE, SITE])], door)
    try:
        child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env={"PATH": "/usr/bin:/bin"},
            pass_fds=fds, cwd="/", start_new_session=True,
        )  # fmt: skip
    finally:
        for fd in fds:
            os.close(fd)
    try:
        with memory.watched(child) as over:
            yield child
    finally:
        if over.is_set():
            errors.write(f"\nAltogether it held more than {memory.MOST // 1024**2} MB of memory.\n".encode())
        child.kill()  # bubblewrap takes everything inside with it
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()


def socket_path(door: Path) -> str:
    """As the agent sees it."""
    return str(door / SOCKET) if settings.SANDBOX == OFF else f"{DOOR}/{SOCKET}"


def inside(command: Sequence[str], door: Path | None = None) -> tuple[list[str], list[int]]:
    """The command line that runs `command` behind the walls, and the file descriptors that it must inherit."""
    read, write = os.pipe()
    os.write(write, seccomp.program())  # some 800 bytes: a pipe holds them
    os.close(write)
    argv = ["bwrap", *_namespaces(), *_files(door), "--seccomp", str(read), "--", *_dropped(), *_limited(), *command]
    return argv, [read]


def _namespaces() -> list[str]:
    own = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    flags = [*own, "--die-with-parent", "--new-session", "--clearenv", "--hostname", "agent", "--cap-drop", "ALL"]
    if os.geteuid() == 0:  # the user is changed inside, which takes these three until it is done
        return [*flags, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    return [*flags, "--unshare-user", "--disable-userns", "--uid", str(USER), "--gid", str(USER)]


def _files(door: Path | None) -> list[str]:
    argv = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "lib", "lib64"):
        where = Path("/") / name
        if where.is_symlink():
            argv += ["--symlink", f"usr/{name}", f"/{name}"]
        elif where.exists():
            argv += ["--ro-bind", str(where), str(where)]
    if sys.base_prefix != "/usr":
        argv += ["--ro-bind", sys.base_prefix, PYTHON, "--setenv", "LD_LIBRARY_PATH", f"{PYTHON}/lib"]
    argv += ["--ro-bind", sysconfig.get_path("purelib"), SITE]
    for folder in (CODE, *sorted({f"{CODE}/{Path(folder).parent}" for folder in OURS})):
        argv += ["--perms", "0755", "--dir", folder]  # because parents that it makes by itself are closed
    for folder in OURS:
        argv += ["--ro-bind", str(Path(settings.BASE_DIR) / folder), f"{CODE}/{folder}"]
    if door:
        argv += ["--ro-bind", str(door), DOOR]
    argv += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]
    argv += ["--perms", "1777", "--size", str(SCRATCH), "--tmpfs", "/tmp"]  # noqa: S108 - its own
    argv += ["--remount-ro", "/", "--remount-ro", "/dev"]
    return [*argv, "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--chdir", "/tmp"]  # noqa: S108


def _dropped() -> list[str]:
    if os.geteuid() != 0:
        return []
    who = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    return ["/usr/bin/setpriv", *who, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]


def _limited() -> list[str]:
    limits = {"as": MEMORY, "nproc": TASKS, "nofile": FILES, "cpu": CPU_S, "fsize": SCRATCH, "core": 0, "memlock": 0}
    return ["/usr/bin/prlimit", *(f"--{name}={value}" for name, value in limits.items()), "--"]


def _python() -> list[str]:
    """The interpreter below its own prefix, without the environment's settings and site files."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    prefix = "/usr" if sys.base_prefix == "/usr" else PYTHON
    return [f"{prefix}/bin/{version}", "-I", "-S", "-c"]


@lru_cache(maxsize=1)
def warmed() -> None:
    """Let Python keep what it compiles of the libraries, once: behind the walls nothing is kept (10 s, not 2)."""
    path = [str(settings.BASE_DIR), sysconfig.get_path("purelib")]
    code = f"import sys; sys.path[:0] = {path!r}; import incidents.agent.loop"
    subprocess.run([sys.executable, "-I", "-c", code], env={}, cwd="/", capture_output=True, check=False, timeout=60)


@lru_cache(maxsize=1)
def _refusal() -> str:
    """Asked once in the life of a process: the machine does not change under it."""
    for program in ("bwrap", *(("setpriv",) if os.geteuid() == 0 else ()), "prlimit"):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: apt install bubblewrap util-linux), so no agent is started."
    try:
        argv, fds = inside([*_python(), _PROBE])
    except KeyError as error:
        return f"No filter of system calls is written for {error} machines, so no agent is started."
    with tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(
                argv, stdout=subprocess.PIPE, stderr=said, env={}, pass_fds=fds, cwd="/", timeout=PROBE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"The sandbox could not be tried: {type(error).__name__}."
        finally:
            for fd in fds:
                os.close(fd)
        said.seek(0)
        why = said.read(2000).decode(errors="replace").strip()
    if done.returncode:
        return f"The sandbox does not start here, so no agent is: {why[-200:] or f'exit {done.returncode}'}"
    return weakness(json.loads(done.stdout))


def weakness(seen: dict[str, object]) -> str:
    """What of the walls does not stand, from what the probe saw inside; empty when all do."""
    expected = {
        "uid": (USER, "the agent is not its own user"),
        "caps": (0, "the agent has capabilities"),
        "privileges": ("1", "the agent could gain privileges"),
        "filter": ("2", "no filter of system calls holds"),
        "net": (["lo"], "a network can be reached"),
        "sys": (False, "the kernel's settings can be opened for writing"),
        "root": (False, "the root folder can be written"),
    }
    weak = [words for name, (wanted, words) in expected.items() if seen.get(name) != wanted]
    pids = seen.get("pids")
    if not isinstance(pids, int) or pids > 4:
        weak.append("processes outside can be seen")
    return f"The sandbox is weak here, so no agent is started: {', '.join(weak)}." if weak else ""

"""Becomes a child: takes its lock, writes who it is, drops root where asked, and executes the program.

    python -I -S launch.py '{"argv": [...], "lock": FILE, "record": FILE, "content": {...}, ...}'

Standard library only, run as a script of its own. Doing this inside the child, before it becomes the program,
leaves no moment in which a child runs unrecorded, and the lock is inherited by the program and all that it
forks: while any of them lives, no second one can start.
"""

import ctypes
import fcntl
import json
import os
import pwd
import signal
import subprocess
import sys
from typing import Any

BUSY = 75
"""Exit status: another child holds the lock."""
UNREACHABLE = 77
"""Exit status: the user that root was dropped to cannot reach the program or its folder."""
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def main(order: dict[str, Any]) -> None:
    """Carry out `order`; does not return when all goes well."""
    if order.get("lock"):
        _take(order["lock"])
    if order.get("record"):
        _write(order["record"], {**order["content"], "pid": os.getpid(), "identity": identity(os.getpid())})
    if order.get("unprivileged") and os.geteuid() == 0:
        _drop_root(order["argv"][0], order.get("own", []))
    if order.get("die_with_parent") and sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if order.get("out_of_memory_first") and sys.platform == "linux":
        _write_text("/proc/self/oom_score_adj", "500")
    os.execv(order["argv"][0], order["argv"])


def identity(pid: int) -> "str | None":
    """Tell one process from a later one with the same pid; None when it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        if fields[0] in (b"Z", b"X"):
            return None
        with open("/proc/sys/kernel/random/boot_id") as file:
            return f"{file.read().strip()}:{fields[19].decode()}"
    except OSError:
        return None if sys.platform == "linux" else _identity_elsewhere(pid)


def _identity_elsewhere(pid: int) -> "str | None":
    found = subprocess.run(
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = found.stdout.strip().partition(" ")
    return started.strip() if state and not state.startswith("Z") else None


def _take(path: str) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(BUSY)
    os.set_inheritable(handle, True)


def _write(path: str, content: dict[str, Any]) -> None:
    temporary = f"{path}.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file)
    os.replace(temporary, path)


def _drop_root(program: str, own: "list[str]") -> None:
    """Stop being root, which PostgreSQL refuses to run as.

    A user namespace in which root bears another number changes nothing on the disk. Where the system forbids
    one (most containers), the account `nobody` is taken on, keeping the right to pass closed folders: the
    home is closed to it, as the checkout may be, and neither is opened for this.
    """
    nobody = pwd.getpwnam("nobody")
    for folder in own:
        _give(folder, 0, 0)
    if sys.platform == "linux" and _libc.unshare(_CLONE_NEWUSER) == 0:
        try:
            _write_text("/proc/self/setgroups", "deny")
            _write_text("/proc/self/uid_map", f"{nobody.pw_uid} 0 1")
            _write_text("/proc/self/gid_map", f"{nobody.pw_gid} 0 1")
            return
        except OSError as error:
            sys.exit(f"a user namespace cannot be set up: {error}")
    for folder in own:
        _give(folder, nobody.pw_uid, nobody.pw_gid)
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    os.umask(0o077)
    if sys.platform == "linux":
        _keep_passage()
    try:  # access(2) would not count the capability
        os.close(os.open(program, os.O_RDONLY))
        for folder in own:
            os.listdir(folder)
    except OSError as error:
        print(f"the account nobody cannot reach {error.filename}", file=sys.stderr)
        sys.exit(UNREACHABLE)


def _keep_passage() -> None:
    """Keep CAP_DAC_OVERRIDE, and no other capability, over the execution of the program (capabilities(7))."""
    bit = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if _libc.capset(header, effective_permitted_inheritable) == 0:
        _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def _give(folder: str, uid: int, gid: int) -> None:
    if os.stat(folder).st_uid == uid:
        return
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.chown(os.path.join(parent, name), uid, gid, follow_symlinks=False)
    os.chown(folder, uid, gid)


def _write_text(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

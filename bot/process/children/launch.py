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
import shutil
import signal
import subprocess
import sys
from typing import Any

BUSY = 75
"""Exit status: another child holds the lock."""
UNREACHABLE = 77
"""Exit status: the user that root was dropped to cannot reach the program or its folder."""
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_USER = "firstline"


def main(order: dict[str, Any]) -> None:
    """Carry out `order`; does not return when all goes well."""
    if order.get("lock"):
        _take(order["lock"])
    if order.get("record"):
        _write(order["record"], {**order["content"], "pid": os.getpid(), "identity": identity(os.getpid())})
    if order.get("unprivileged") and os.geteuid() == 0:
        _drop_root(order["argv"][0], order.get("own", []))
    if order.get("die_with_parent") and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
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

    A user namespace in which root bears another number changes nothing on the disk and needs no account;
    where the system forbids one (most containers), an account of our own is used.
    """
    for folder in own:
        _give(folder, 0, 0)
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) == 0:
        try:
            nobody = pwd.getpwnam("nobody")
            _write_text("/proc/self/setgroups", "deny")
            _write_text("/proc/self/uid_map", f"{nobody.pw_uid} 0 1")
            _write_text("/proc/self/gid_map", f"{nobody.pw_gid} 0 1")
            return
        except (OSError, KeyError) as error:
            sys.exit(f"a user namespace cannot be set up: {error}")
    account = _account()
    for folder in own:
        _give(folder, account.pw_uid, account.pw_gid)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.umask(0o077)
    for path, mode in [(program, os.X_OK), *((folder, os.R_OK | os.W_OK | os.X_OK) for folder in own)]:
        if not os.access(path, mode):
            print(f"the account {account.pw_name} cannot reach {path}", file=sys.stderr)
            sys.exit(UNREACHABLE)


def _account() -> pwd.struct_passwd:
    for create in (True, False):
        try:
            return pwd.getpwnam(_USER)
        except KeyError:
            useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
            if create and useradd:
                subprocess.run([useradd, "--system", "--no-create-home", _USER], check=False)
    return pwd.getpwnam("nobody")


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

"""firstline doctor: what is there, what is broken, and how to mend it."""

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import aiohttp
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.cli.output import console, print_json
from app.ops import home_lock
from app.ops.children import ports
from app.ops.children.child import Child
from app.ops.installer.console import Console
from app.ops.installer.environments import Environment, Environments, Installation
from app.settings import Settings
from bot.training.model_registry import current_model
from bot.training.trainer import Assistant
from foundation.database import Database
from foundation.errors import FirstlineError
from kb_index.encoder.onnx_encoder import EncoderManifest

Verdict = Literal["ok", "note", "broken"]
_LEAST_DISK = 1 * 2**30
_SECONDS = 10
_RIGHTS = (
    "select rolsuper as superuser, rolcreaterole as createrole, rolcreatedb as createdb "
    "from pg_roles where rolname = current_user"
)


@dataclass(frozen=True)
class Check:
    """One thing looked at. A `note` is worth knowing and breaks nothing."""

    name: str
    verdict: Verdict
    detail: str
    mend: str = ""


async def doctor(*, as_json: bool) -> int:
    """Print all checks; exit code 1 when something is broken."""
    try:
        settings = Settings.from_env()
        checks = await examine(settings)
    except FirstlineError as error:
        checks = [Check("settings", "broken", error.message, error.hint or "")]
    broken = sum(check.verdict == "broken" for check in checks)
    if as_json:
        print_json({"ok": not broken, "checks": [asdict(check) for check in checks]})
    else:
        _show(checks, broken)
    return 1 if broken else 0


async def examine(settings: Settings) -> list[Check]:
    """Look at everything; a check that fails by itself is broken, never an exception."""
    looks: list[Callable[[Settings], Awaitable[list[Check]] | list[Check]]] = [
        _home, _app_python, _rasa_python, _encoder, _model, _front_end, _secrets, _audit, _database_role,
        _demo, _running,
    ]  # fmt: skip
    checks = [Check("settings", "ok", f"home {settings.home}, port {settings.port}")]
    for look in looks:
        try:
            found = look(settings)
            checks += await found if isinstance(found, Awaitable) else found
        except Exception as error:
            name = look.__name__.strip("_").replace("_", " ")
            checks.append(Check(name, "broken", f"{type(error).__name__}: {error}", "Run `make run`."))
    return checks


def _home(settings: Settings) -> list[Check]:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return [Check("home", "broken", f"{folder} cannot be written.", "chown it, or set FIRSTLINE_HOME.")]
    free = shutil.disk_usage(folder).free
    detail = f"{free / 2**30:.1f} GiB free"
    if free < _LEAST_DISK:
        return [Check("disk", "broken", detail, "Free some space, or set FIRSTLINE_HOME to another disk.")]
    return [Check("disk", "ok", detail)]


def _environments(settings: Settings) -> Environments:
    place = Installation(settings.root, settings.home, settings.child_environment)
    return Environments(place, Console(settings.logs / "install.log"))


def _installed(name: str, environment: Environment, lock: str, version: str) -> Check:
    if not environment.python.exists():
        return Check(name, "broken", f"{environment.path} is missing.", "Run `make run`, which installs it.")
    if not environment.has(lock):
        detail = f"{version}, not what app/ops/locks/{lock}.txt asks for"
        return Check(name, "note", detail, "Run `make install`.")
    return Check(name, "ok", version)


def _app_python(settings: Settings) -> list[Check]:
    version = f"Python {sys.version.split()[0]}"
    return [_installed("app environment", _environments(settings).app, "app", version)]


async def _rasa_python(settings: Settings) -> list[Check]:
    environment = _environments(settings).rasa
    if settings.rasa_url or not environment.python.exists():
        return [_installed("Rasa environment", environment, "rasa", "")] if not settings.rasa_url else []
    program = (
        "import sys; from importlib.metadata import version as v; print(sys.version.split()[0], v('rasa'))"
    )
    process = await asyncio.create_subprocess_exec(
        str(environment.python), "-I", "-c", program,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=dict(settings.child_environment),
    )  # fmt: skip
    async with asyncio.timeout(_SECONDS):
        output, _ = await process.communicate()
    if process.returncode != 0:
        mend = "Remove .venv-rasa and run `make run`."
        return [Check("Rasa environment", "broken", "Its Python or its Rasa does not work.", mend)]
    python, rasa = output.decode().split()
    if not python.startswith("3.10.") or rasa != "3.6.21":
        mend = "Remove .venv-rasa and run `make run`."
        return [Check("Rasa environment", "broken", f"Python {python} with Rasa {rasa}", mend)]
    return [_installed("Rasa environment", environment, "rasa", f"Python {python}, Rasa {rasa}")]


def _encoder(settings: Settings) -> list[Check]:
    try:
        manifest = EncoderManifest.read(settings.encoder_dir)
    except FirstlineError as error:
        return [Check("encoder", "broken", error.message, "Run `make run`, which exports it.")]
    return [Check("encoder", "ok", f"{manifest.source}, {manifest.dimension} dimensions")]


def _model(settings: Settings) -> list[Check]:
    model = current_model(settings.home)
    if model is None:
        return [Check("model", "broken", "No assistant has been trained.", "Run `firstline train`.")]
    wanted = Assistant(settings.home, settings.root, encoder=settings.encoder_dir).fingerprint()
    if model.name != f"{wanted}.tar.gz":
        detail = "The current model was trained from other files than those in the checkout."
        return [Check("model", "note", detail, "Run `firstline train`.")]
    return [Check("model", "ok", wanted)]


def _front_end(settings: Settings) -> list[Check]:
    missing = [
        name
        for name in ("widget.js", "offline.js", "console.html")
        if not (settings.web_dist / name).is_file()
    ]
    if missing:
        detail = f"web/dist lacks {', '.join(missing)}."
        return [Check("front end", "broken", detail, "Run `make run`, which builds it.")]
    return [Check("front end", "ok", "built")]


def _secrets(settings: Settings) -> list[Check]:
    if not settings.keys.exists():
        return [Check("secrets", "note", "None yet.", "The first start makes them.")]
    loose = [
        path
        for path in settings.keys.rglob("*")
        if path.is_file() and path.suffix != ".pub" and path.stat().st_mode & 0o077
    ]
    if loose:
        names = ", ".join(path.name for path in loose)
        return [Check("secrets", "broken", f"Others can read {names}.", f"chmod -R go= {settings.keys}")]
    return [Check("secrets", "ok", "readable by their owner only")]


def _audit(settings: Settings) -> list[Check]:
    from app.wiring.single_services import audit_keys, checkpoint_file
    from security.audit.log import read_checkpoints

    keys, path = audit_keys(settings), checkpoint_file(settings)
    if keys.is_empty:
        return [Check("audit log", "note", "No key yet.", "The first start makes it.")]
    try:
        kid, _ = keys.signing()
    except FirstlineError as error:
        return [Check("audit log", "broken", error.message, error.hint or "")]
    known = read_checkpoints(path)
    if None in known:
        mend = "Compare it with the copy that is kept elsewhere: `firstline audit verify --checkpoints COPY`."
        return [Check("audit log", "broken", f"{path} has lines that are no checkpoints.", mend)]
    return [Check("audit log", "ok", f"key {kid}, {len(known)} checkpoints; `firstline audit verify` checks")]


async def _database_role(settings: Settings) -> list[Check]:
    """Of a PostgreSQL that runs elsewhere; the account in our own is made without rights of that kind."""
    if settings.database_url is None:
        return []
    database = Database.open(settings.database_url, pool_size=1)
    try:
        async with asyncio.timeout(_SECONDS), database.connect() as connection:
            rights = (await connection.execute(text(_RIGHTS))).one()
    except (OSError, TimeoutError, SQLAlchemyError, ValueError) as error:
        detail = f"DATABASE_URL: no answer ({type(error).__name__})."
        return [Check("database role", "broken", detail, "Check the address and the password.")]
    finally:
        await database.close()
    has = [name for name, held in zip(rights._fields, rights, strict=True) if held]
    if has:
        mend = "Give Firstline an account of its own that owns its database and has none of these rights."
        return [Check("database role", "note", f"The account in DATABASE_URL is {', '.join(has)}.", mend)]
    return [Check("database role", "ok", "no superuser")]


def _demo(settings: Settings) -> list[Check]:
    from app.wiring.hosts import known_hosts

    if settings.demo_forced:
        detail = "DEMO=on runs it, with a password that everybody knows, though others use this installation."
        checks = [Check("demo application", "note", detail, "Unset DEMO when you have looked at it.")]
    elif settings.demo_port is None:
        checks = [Check("demo application", "ok", f"off ({settings.demo_off_since} is set)")]
    else:
        checks = [Check("demo application", "ok", f"on, for this machine only ({settings.demo_host})")]
    known = known_hosts(settings)
    left = sorted(path.stem for path in settings.host_keys.glob("*.json") if path.stem not in known)
    if left:
        detail = f"hosts.yml has no entry for {', '.join(left)}: their key rings admit nobody."
        mend = f"Remove them from {settings.host_keys}, or add the entries."
        checks.append(Check("key rings", "note", detail, mend))
    return checks


async def _running(settings: Settings) -> list[Check]:
    where = home_lock.running(settings.home)
    if where is None:
        return [Check("server", "note", "Not running.", "Start it with `make run`."), *_ports(settings)]
    checks = [Check("server", "ok", f"process {where['pid']} at {where['url']}")]
    checks += [_child(settings, name) for name in ("postgres", "valkey", "rasa", "demo")]
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{settings.local_url}/readyz") as response,
        ):
            parts = (await response.json())["parts"]
    except (aiohttp.ClientError, OSError, TimeoutError, KeyError, ValueError):
        mend = f"Look into {settings.logs / 'firstline.log'}, and check that PORT is that of the server."
        return [*checks, Check("readiness", "broken", f"{settings.local_url} does not answer.", mend)]
    for part, state in parts.items():
        mend = "" if state == "ok" else f"Look into {settings.logs}; it is started again by itself."
        if part == "audit" and state != "ok":
            mend = "Look whether its key can be used (above), then run `firstline audit verify`."
        checks.append(Check(f"part {part}", "ok" if state == "ok" else "broken", state, mend))
    return checks


def _child(settings: Settings, name: str) -> Check:
    elsewhere = {"postgres": settings.database_url, "valkey": settings.redis_url, "rasa": settings.rasa_url}
    if elsewhere.get(name) or (name == "demo" and settings.demo_port is None):
        return Check(name, "ok", "not ours")
    record = Child.record_in(settings.home / "run", name)
    if record is None or not record.alive:
        return Check(name, "broken", "Its process is gone.", f"See {settings.logs / name}.log.")
    return Check(name, "ok", f"process {record.pid}")


def _ports(settings: Settings) -> Iterator[Check]:
    for name, port in (("PORT", settings.port), ("DEMO_PORT", settings.demo_port)):
        if port is None:
            continue
        if ports.is_free(port, settings.host if name == "PORT" else settings.demo_host):
            yield Check(f"port {port}", "ok", "free")
        else:
            yield Check(f"port {port}", "broken", "Another program has it.", f"Set {name} to a free port.")


def _show(checks: list[Check], broken: int) -> None:
    screen = console()
    marks = {"ok": ("ok    ", "green"), "note": ("note  ", "yellow"), "broken": ("BROKEN", "bold red")}
    for check in checks:
        mark, style = marks[check.verdict]
        screen.print(mark, style=style, end="  ")
        screen.print(f"{check.name:<18} {check.detail}", markup=False)
        if check.mend:
            screen.print(f"{'':27}{check.mend}", markup=False, style="dim")
    screen.print("Everything is in order." if not broken else f"{broken} broken: see above how to mend it.")

"""Throw-away users in any state, for demonstrations and tests. Same machine only."""

import re
import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from connectors.hosts.demo import events
from connectors.hosts.demo.arranging import State, arrange, changed_parts, parse_state
from connectors.hosts.demo.context import KETTLE, Problem, answer, demand_loopback, is_clean, parse_object
from connectors.hosts.demo.faults import Faults
from connectors.hosts.demo.keys import KeysUnusable, mint_token
from connectors.hosts.demo.passwords import new_secret
from connectors.hosts.demo.sample import BY_KEY, PASSWORD, forget, insert
from connectors.hosts.demo.state import find_user, read_state
from connectors.hosts.demo.store import now, stamp

MAX_TEMPORARY = 5000
TEMPORARY, UNLISTED = 1, 2
"""`users.temporary`: nobody looks at an unlisted one by themselves, such as a scan of self-healing."""
_CONFIRMED = timedelta(minutes=10)
_NAMES = frozenset({"like", "name", "state", "listed"})


async def make(request: web.Request) -> web.Response:
    """POST /demo/users {"like": "hana", "name"?: str, "state"?: {part: ...}} -> 201 {"ref", "email", ...}"""
    demand_loopback(request)
    body = parse_object(await request.read())
    unknown = sorted(set(body) - _NAMES)
    if unknown:
        raise Problem(
            400, "invalid_user", f"{unknown[0][:40]!r} is not known: send like, name, state and listed."
        )
    like, name = body.get("like", "hana"), body.get("name")
    if not isinstance(like, str) or like not in BY_KEY:
        raise Problem(400, "unknown_sample", f"like must be one of {', '.join(BY_KEY)}.")
    if name is not None and not (isinstance(name, str) and is_clean(name, 100) and name.strip()):
        raise Problem(400, "invalid_name", "name must be a text of 1 to 100 characters.")
    listed = body.get("listed", True)
    if not isinstance(listed, bool):
        raise Problem(400, "invalid_listed", "listed is true or false: whether the list of users has it.")
    state = parse_state(body.get("state"))
    token = re.sub(r"[^a-z0-9]", "", new_secret().lower())[:12]
    ref, email = f"usr_{like}_{token}", f"{like}-{token}@kettle.example"

    def work(db: sqlite3.Connection) -> None:
        count = db.execute("SELECT count(*) FROM users WHERE temporary > 0").fetchone()[0]
        if count >= MAX_TEMPORARY:
            raise Problem(429, "too_many_users", "There are too many throw-away users. Remove some.")
        insert(db, replace(BY_KEY[like], key=f"{like}_{token}"), like=like)
        kept = TEMPORARY if listed else UNLISTED
        db.execute("UPDATE users SET email = ?, temporary = ? WHERE ref = ?", (email, kept, ref))
        if name is not None:
            db.execute("UPDATE users SET name = ? WHERE ref = ?", (name, ref))
        arrange(db, ref, state)

    await request.app[KETTLE].store.run(work)
    made = {"ref": ref, "email": email, "password": PASSWORD, "token_url": f"/demo/users/{ref}/token"}
    return answer(made, 201)


def _known(db: sqlite3.Connection, ref: str) -> sqlite3.Row:
    user = find_user(db, ref) if is_clean(ref, 200) else None
    if user is None:
        raise Problem(404, "unknown_user", "There is no such user.")
    return user


async def show(request: web.Request) -> web.Response:
    """GET /demo/users/{ref} -> {"state", "operations": what support did, oldest first}"""
    demand_loopback(request)
    ref = request.match_info["ref"]

    def work(db: sqlite3.Connection) -> dict[str, Any]:
        _known(db, ref)
        sql = "SELECT operation, status, code, at FROM support_actions WHERE ref = ? ORDER BY id"
        done = [dict(row) for row in db.execute(sql, (ref,))]
        return {"ref": ref, "state": read_state(db, ref), "operations": done}

    return answer(await request.app[KETTLE].store.run(work))


async def change(request: web.Request) -> web.Response:
    """PATCH /demo/users/{ref} {"state": {...}, "announce"?: bool}; announce tells Firstline of it"""
    demand_loopback(request)
    ref, body = request.match_info["ref"], parse_object(await request.read())
    if set(body) - {"state", "announce"} or not isinstance(body.get("announce", False), bool):
        raise Problem(400, "invalid_user", "Send state, and perhaps announce (true or false).")
    state = parse_state(body.get("state"))

    def work(db: sqlite3.Connection) -> None:
        _known(db, ref)
        arrange(db, ref, state)

    await request.app[KETTLE].store.run(work)
    if body.get("announce"):
        _announce(request, ref, state)
    return answer({"ref": ref})


def _announce(request: web.Request, ref: str, state: State) -> None:
    request.app[KETTLE].events.tell(events.Event("state_changed", ref, tuple(changed_parts(state))))


async def remove(request: web.Request) -> web.Response:
    """DELETE /demo/users/{ref}: a throw-away user; sample users stay"""
    demand_loopback(request)
    ref, kettle = request.match_info["ref"], request.app[KETTLE]

    def work(db: sqlite3.Connection) -> None:
        if not _known(db, ref)["temporary"]:
            raise Problem(409, "sample_user", "Sample users stay; POST /demo/reset puts them back.")
        forget(db, ref)

    await kettle.store.run(work)
    kettle.user_faults.pop(ref, None)
    return answer({"removed": ref})


async def token(request: web.Request) -> web.Response:
    """POST /demo/users/{ref}/token -> {"token", "expires"}: what the page of a signed-in user gets"""
    demand_loopback(request)
    ref, kettle = request.match_info["ref"], request.app[KETTLE]
    user = await kettle.store.run(lambda db: _known(db, ref))
    try:
        made, ends = mint_token(kettle.keys, ref=ref, name=user["name"], email=user["email"])
    except KeysUnusable as error:
        raise Problem(503, "keys_unusable", str(error)) from None
    return answer({"token": made, "expires": ends})


async def confirm(request: web.Request) -> web.Response:
    """POST /demo/users/{ref}/confirm: as if the user had just typed the code of the second factor"""
    demand_loopback(request)
    ref = request.match_info["ref"]

    def work(db: sqlite3.Connection) -> None:
        _known(db, ref)
        db.execute("UPDATE users SET confirmed_until = ? WHERE ref = ?", (stamp(now() + _CONFIRMED), ref))

    await request.app[KETTLE].store.run(work)
    return answer({"ref": ref, "confirmed_seconds": int(_CONFIRMED.total_seconds())})


async def set_faults(request: web.Request) -> web.Response:
    """POST /demo/users/{ref}/faults: as /demo/faults, for the calls about this user; {} turns them off"""
    demand_loopback(request)
    ref, kettle = request.match_info["ref"], request.app[KETTLE]
    await kettle.store.run(lambda db: _known(db, ref))
    faults = Faults()
    try:
        faults.set(parse_object(await request.read()))
    except ValueError as error:
        raise Problem(400, "invalid_faults", str(error)) from None
    if faults.rates:
        kettle.user_faults[ref] = faults
    else:
        kettle.user_faults.pop(ref, None)
    return answer(faults.describe())


def routes() -> list[web.RouteDef]:
    """Return the routes of this file."""
    return [
        web.post("/demo/users", make),
        web.get("/demo/users/{ref}", show),
        web.patch("/demo/users/{ref}", change),
        web.delete("/demo/users/{ref}", remove),
        web.post("/demo/users/{ref}/token", token),
        web.post("/demo/users/{ref}/confirm", confirm),
        web.post("/demo/users/{ref}/faults", set_faults),
    ]

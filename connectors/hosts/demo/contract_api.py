"""Kettle's side of the host contract: /firstline/v1. See docs/connect-your-app.md."""

import asyncio
import hashlib
import json
import re
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from connectors.hosts.demo.context import KETTLE, Kettle, Problem, answer, is_clean, parse_object
from connectors.hosts.demo.keys import BadSignature, KeysUnusable, check_request
from connectors.hosts.demo.reasons import REASONS, Outcome
from connectors.hosts.demo.rules import RULES, perform
from connectors.hosts.demo.state import PARTS, find_by_email, find_user, read_state
from connectors.hosts.demo.store import now, stamp

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_KEEP = timedelta(days=2)


async def _verified(request: web.Request) -> bytes:
    """Return the body of a request that provably comes from Firstline."""
    body = await request.read()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        check_request(request.app[KETTLE].keys, headers, request.method, request.raw_path, body)
    except BadSignature as error:
        raise Problem(401, error.code, str(error)) from None
    except KeysUnusable as error:
        raise Problem(503, "keys_unusable", str(error)) from None
    return body


@dataclass(frozen=True)
class Later:
    """A fault that strikes after the work: `lie` or `hang_after`, and how long that takes."""

    kind: str | None
    seconds: float


async def _misbehave(kettle: Kettle, target: str, ref: str | None = None) -> Later:
    """Let a fault strike before anything is done, the user's own first; returns one that strikes later."""
    own = kettle.user_faults.get(ref or "")
    kind = own.draw(target) if own is not None else None
    faults = own if own is not None and kind is not None else kettle.faults
    kind = kind or kettle.faults.draw(target)
    if kind == "error":
        raise Problem(500, "injected_error", "A fault that was asked for.")
    if kind == "hang":
        await asyncio.sleep(faults.hang_seconds)
        raise Problem(503, "injected_hang", "A fault that was asked for.")
    return Later(kind, faults.hang_seconds)


def _ref(request: web.Request) -> str:
    ref = request.match_info["ref"]
    if not is_clean(ref, 200):
        raise Problem(404, "unknown_user", "There is no such user.")
    return ref


async def get_state(request: web.Request) -> web.Response:
    """GET /users/{ref}/state?parts=a,b"""
    await _verified(request)
    kettle, ref = request.app[KETTLE], _ref(request)
    wanted = [name for name in request.query.get("parts", "").split(",") if name]
    if any(name not in PARTS for name in wanted):
        raise Problem(400, "unknown_part", f"Known parts: {', '.join(PARTS)}.")
    later = await _misbehave(kettle, "state", ref)
    as_of = stamp(now())
    parts = await kettle.store.run(lambda db: read_state(db, ref, wanted))
    if parts is None:
        raise Problem(404, "unknown_user", "There is no such user.")
    await _hang_after(later)
    return answer({"ref": ref, "as_of": as_of, "parts": parts})


async def _hang_after(later: Later) -> None:
    if later.kind == "hang_after":
        await asyncio.sleep(later.seconds)


async def get_operations(request: web.Request) -> web.Response:
    """GET /users/{ref}/operations"""
    await _verified(request)
    kettle, ref = request.app[KETTLE], _ref(request)
    later = await _misbehave(kettle, "operations", ref)

    def work(db: sqlite3.Connection) -> list[dict[str, Any]] | None:
        user = find_user(db, ref)
        if user is None:
            return None
        reasons = {name: rule.check(db, user) for name, rule in RULES.items()}
        return [
            {
                "name": name,
                "title": rule.title,
                "allowed": reasons[name] is None,
                "reason": reasons[name],
                "message": REASONS.get(reasons[name] or ""),
                "changes": True,
                "parameters": sorted(rule.parameters),
                **({"confirm_at": "/confirm"} if reasons[name] == "step_up_required" else {}),
            }
            for name, rule in RULES.items()
        ]

    found = await kettle.store.run(work)
    if found is None:
        raise Problem(404, "unknown_user", "There is no such user.")
    await _hang_after(later)
    return answer({"operations": found})


async def run_operation(request: web.Request) -> web.Response:
    """POST /users/{ref}/operations/{name}: acts once for each Idempotency-Key, and repeats its answer."""
    raw = await _verified(request)
    kettle, ref, name = request.app[KETTLE], _ref(request), request.match_info["name"]
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise Problem(
            400, "idempotency_key_invalid", "Idempotency-Key must be 1 to 128 visible ASCII characters."
        )
    parameters = parse_object(raw).get("parameters", {})
    if not isinstance(parameters, dict):
        raise Problem(400, "invalid_parameters", "parameters must be an object.")
    if name not in RULES:
        raise Problem(404, "unknown_operation", f"Known operations: {', '.join(RULES)}.")
    later = await _misbehave(kettle, name, ref)
    result = await kettle.store.run(lambda db: _act_once(db, ref, name, parameters, key, later.kind == "lie"))
    await _hang_after(later)
    return answer(result)


def _act_once(
    db: sqlite3.Connection, ref: str, name: str, parameters: dict[str, Any], key: str, lie: bool
) -> dict[str, Any]:
    content = json.dumps([ref, name, parameters], sort_keys=True)
    request = hashlib.sha256(content.encode()).hexdigest()
    earlier = db.execute("SELECT request, answer FROM answers WHERE key = ?", (key,)).fetchone()
    if earlier is not None:
        if earlier["request"] != request:
            raise Problem(422, "idempotency_key_reused", "This key was used for another request.")
        again: dict[str, Any] = json.loads(earlier["answer"])
        return again
    user = find_user(db, ref)
    if user is None:
        raise Problem(404, "unknown_user", "There is no such user.")
    outcome = Outcome("done") if lie else perform(db, user, name, parameters)
    at = stamp(now())
    if not lie:
        db.execute(
            "INSERT INTO support_actions (ref, operation, status, code, message, at) VALUES (?, ?, ?, "
            "?, ?, ?)",
            (ref, name, outcome.status, outcome.code, outcome.message, at),
        )
    result = {
        "status": outcome.status,
        "code": outcome.code,
        "message": outcome.message,
        "result": outcome.result,
    }
    db.execute("DELETE FROM answers WHERE at < ?", (stamp(now() - _KEEP),))
    db.execute(
        "INSERT INTO answers (key, ref, request, status, answer, at) VALUES (?, ?, ?, 200, ?, ?)",
        (key, ref, request, json.dumps(result), at),
    )
    return result


async def list_users(request: web.Request) -> web.Response:
    """GET /users?after=REF&limit=100 -> {"users": [refs in order], "next": REF or null}"""
    await _verified(request)
    after, limit = request.query.get("after", ""), request.query.get("limit", "100")
    if not is_clean(after, 200) or not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 500:
        raise Problem(400, "invalid_page", "limit is 1 to 500, after is a user of the page before.")
    kettle = request.app[KETTLE]
    later = await _misbehave(kettle, "users")
    sql = "SELECT ref FROM users WHERE ref > ? AND temporary < 2 ORDER BY ref LIMIT ?"
    rows = await kettle.store.run(lambda db: db.execute(sql, (after, int(limit) + 1)).fetchall())
    refs = [row["ref"] for row in rows[: int(limit)]]
    await _hang_after(later)
    return answer({"users": refs, "next": refs[-1] if len(rows) > int(limit) else None})


async def lookup(request: web.Request) -> web.Response:
    """POST /users/lookup {"email"} -> {"ref"}."""
    raw = await _verified(request)
    email = parse_object(raw).get("email")
    if not isinstance(email, str) or "@" not in email or not is_clean(email, 254):
        raise Problem(400, "invalid_email", "email must be an e-mail address.")
    kettle = request.app[KETTLE]
    later = await _misbehave(kettle, "lookup")
    row = await kettle.store.run(lambda db: find_by_email(db, email))
    if row is None:
        raise Problem(404, "unknown_user", "There is no such user.")
    await _hang_after(later)
    return answer({"ref": row["ref"]})


def routes() -> list[web.RouteDef]:
    """Return the routes of the contract."""
    base = "/firstline/v1/users"
    return [
        web.get(base + "/{ref}/state", get_state, allow_head=False),
        web.get(base + "/{ref}/operations", get_operations, allow_head=False),
        web.get(base, list_users, allow_head=False),
        web.post(base + "/lookup", lookup),
        web.post(base + "/{ref}/operations/{name}", run_operation),
    ]

"""Kettle's side of the host contract: /firstline/v1. See docs/connect-your-app.md."""

import asyncio
import hashlib
import json
import re
import sqlite3
from datetime import timedelta
from typing import Any

from aiohttp import web

from connectors.hosts.demo.context import KETTLE, Kettle, Problem, answer, is_clean, parse_object
from connectors.hosts.demo.keys import BadSignature, KeysUnusable, check_request
from connectors.hosts.demo.rules import REASONS, RULES, Outcome, perform
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


async def _misbehave(kettle: Kettle, target: str) -> str | None:
    """Let a fault strike before anything is done; returns a kind that strikes later."""
    kind = kettle.faults.draw(target)
    if kind == "error":
        raise Problem(500, "injected_error", "A fault that was asked for.")
    if kind == "hang":
        await asyncio.sleep(kettle.faults.hang_seconds)
        raise Problem(503, "injected_hang", "A fault that was asked for.")
    return kind


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
    later = await _misbehave(kettle, "state")
    as_of = stamp(now())
    parts = await kettle.store.run(lambda db: read_state(db, ref, wanted))
    if parts is None:
        raise Problem(404, "unknown_user", "There is no such user.")
    await _hang_after(kettle, later)
    return answer({"ref": ref, "as_of": as_of, "parts": parts})


async def _hang_after(kettle: Kettle, kind: str | None) -> None:
    if kind == "hang_after":
        await asyncio.sleep(kettle.faults.hang_seconds)


async def get_operations(request: web.Request) -> web.Response:
    """GET /users/{ref}/operations"""
    await _verified(request)
    kettle, ref = request.app[KETTLE], _ref(request)
    later = await _misbehave(kettle, "operations")

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
            }
            for name, rule in RULES.items()
        ]

    found = await kettle.store.run(work)
    if found is None:
        raise Problem(404, "unknown_user", "There is no such user.")
    await _hang_after(kettle, later)
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
    later = await _misbehave(kettle, name)
    result = await kettle.store.run(lambda db: _act_once(db, ref, name, parameters, key, later == "lie"))
    await _hang_after(kettle, later)
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
    await _hang_after(kettle, later)
    return answer({"ref": row["ref"]})


def routes() -> list[web.RouteDef]:
    """Return the routes of the contract."""
    base = "/firstline/v1/users"
    return [
        web.get(base + "/{ref}/state", get_state, allow_head=False),
        web.get(base + "/{ref}/operations", get_operations, allow_head=False),
        web.post(base + "/lookup", lookup),
        web.post(base + "/{ref}/operations/{name}", run_operation),
    ]

"""Handlers for the pages of a signed-in user."""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from connectors.hosts.demo import auth
from connectors.hosts.demo.context import KETTLE, Problem
from connectors.hosts.demo.events import Event
from connectors.hosts.demo.pages import product, settings
from connectors.hosts.demo.pages.layout import Frame
from connectors.hosts.demo.passwords import new_secret
from connectors.hosts.demo.reasons import Outcome
from connectors.hosts.demo.rules import RULES, perform, save_preferences, update_card
from connectors.hosts.demo.state import find_user, read_state
from connectors.hosts.demo.store import now, stamp
from connectors.hosts.demo.troubles import Trouble, troubles_of
from connectors.hosts.demo.web_entry import go, read_form, show

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Seen:
    """A signed-in user's request: who, their state, and what is wrong."""

    visit: auth.Visit
    frame: Frame
    state: dict[str, Any]
    troubles: list[Trouble]
    form: dict[str, str]


def signed_in(handler: Callable[[web.Request, Seen], Awaitable[web.StreamResponse]]) -> Handler:
    """Let only fully signed-in users through, and check the form's token."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        visit = await auth.current(request)
        if visit is None:
            return go("/sign-in")
        if visit.stage != "full":
            return go("/restricted" if visit.stage == "restricted" else "/sign-in/code")
        form: dict[str, str] = {}
        if request.method == "POST":
            form = await read_form(request)
            if form.get("csrf") != visit.csrf:
                raise Problem(403, "wrong_form", "This form is too old. Load the page again.")
        kettle = request.app[KETTLE]
        state = await kettle.store.run(lambda db: read_state(db, visit.ref))
        if state is None:
            return go("/sign-in")
        frame = Frame(request.path, kettle.firstline_url, state["account"]["name"], visit.csrf)
        return await handler(request, Seen(visit, frame, state, troubles_of(state), form))

    return wrapped


async def _change(
    request: web.Request, ref: str, work: Callable[[sqlite3.Connection, sqlite3.Row], Any]
) -> Any:
    def change(db: sqlite3.Connection) -> Any:
        user = find_user(db, ref)
        if user is None:
            raise Problem(404, "unknown_user", "There is no such user.")
        return work(db, user)

    return await request.app[KETTLE].store.run(change)


async def _perform(request: web.Request, seen: Seen, name: str) -> Outcome:
    outcome: Outcome = await _change(request, seen.visit.ref, lambda db, user: perform(db, user, name, {}))
    return outcome


async def overview(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /"""
    return show(product.overview(seen.frame, seen.state, seen.troubles))


async def deliveries(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /deliveries"""
    return show(product.deliveries(seen.frame, seen.state, seen.troubles))


async def billing(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /billing"""
    said = {
        "paid": "Thank you, the payment went through.",
        "failed": "The payment did not go through.",
        "card": "Your new card is saved.",
        "bad-card": "That card cannot be used: check number and month.",
    }
    key = request.query.get("said", "")
    text, failed = said.get(key, ""), key == "failed"
    return show(product.billing(seen.frame, seen.state, seen.troubles, text, failed=failed))


async def retry(request: web.Request, seen: Seen) -> web.StreamResponse:
    """POST /billing/retry"""
    outcome = await _perform(request, seen, "retry_payment")
    if outcome.status != "done":
        request.app[KETTLE].events.tell(Event("payment_failed", seen.visit.ref, ("billing",)))
    return go("/billing?said=paid" if outcome.status == "done" else "/billing?said=failed")


async def card(request: web.Request, seen: Seen) -> web.StreamResponse:
    """POST /billing/card"""
    number = seen.form.get("number", "").replace(" ", "")
    expires = seen.form.get("expires", "")
    shaped = re.fullmatch(r"[0-9]{12,19}", number) and re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", expires)
    if not shaped or expires < f"{now():%Y-%m}":
        return go("/billing?said=bad-card")
    kind = "Visa" if number.startswith("4") else "Mastercard" if number.startswith("5") else "Card"
    await _change(request, seen.visit.ref, lambda db, user: update_card(db, user, kind, number[-4:], expires))
    return go("/billing?said=card")


async def preferences(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /preferences"""
    said = {"saved": "Saved.", "unsent": "Saved here. The roastery did not take it."}
    text = said.get(request.query.get("said", ""), "")
    unsent = request.query.get("said") == "unsent"
    return show(settings.preferences(seen.frame, seen.state, seen.troubles, text, unsent=unsent))


async def save(request: web.Request, seen: Seen) -> web.StreamResponse:
    """POST /preferences"""
    for name, values in settings.CHOICES.items():
        if seen.form.get(name) not in values:
            raise Problem(400, "invalid_form", "Choose one of the given values.")
    saved: dict[str, Any] = {name: seen.form[name] for name in settings.CHOICES}
    saved.update({name: name in seen.form for name in settings.SWITCHES})
    await _change(request, seen.visit.ref, lambda db, user: save_preferences(db, user, saved))
    in_sync = seen.state["preferences"]["sync"]["state"] == "in_sync"
    if not in_sync:
        request.app[KETTLE].events.tell(Event("save_failed", seen.visit.ref, ("preferences",)))
    return go("/preferences?said=saved" if in_sync else "/preferences?said=unsent")


async def exports(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /exports"""
    return show(settings.exports(seen.frame, seen.state, seen.troubles))


async def start_export(request: web.Request, seen: Seen) -> web.StreamResponse:
    """POST /exports"""
    kind = seen.form.get("kind")
    if kind not in ("orders", "invoices"):
        raise Problem(400, "invalid_form", "Choose one of the given values.")
    if sum(export["state"] == "running" for export in seen.state["exports"]) >= 3:
        raise Problem(429, "too_many", "Three exports are running. Wait for one of them.")
    at = now()
    row = (f"exp_{new_secret()[:10]}", seen.visit.ref, kind, stamp(at), stamp(at + timedelta(seconds=5)))
    sql = (
        "INSERT INTO exports (id, ref, kind, state, requested_at, ready_at) VALUES (?, ?, ?, 'running', ?, ?)"
    )
    await _change(request, seen.visit.ref, lambda db, user: db.execute(sql, row))
    return go("/exports")


async def download(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /exports/{id}.csv"""
    wanted = request.match_info["id"]
    found = next((e for e in seen.state["exports"] if e["id"] == wanted and e["state"] == "ready"), None)
    if found is None:
        raise Problem(404, "unknown_export", "There is no such file.")
    rows = seen.state["orders"] if found["kind"] == "orders" else seen.state["billing"]["invoices"]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["number"])
    writer.writeheader()
    writer.writerows(
        {name: "; ".join(v) if isinstance(v, list) else v for name, v in row.items()} for row in rows
    )
    disposition = f'attachment; filename="kettle-{found["kind"]}.csv"'
    return web.Response(
        text=text.getvalue(), content_type="text/csv", headers={"Content-Disposition": disposition}
    )


async def security(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /security"""
    key = request.query.get("said", "")
    said = {
        "sent": "It is on its way. In this sample application it is in the outbox.",
        "out": "All other devices are signed out.",
        "confirmed": "Confirmed for ten minutes.",
    }.get(key, "")
    return show(
        settings.security(
            seen.frame, seen.state, seen.troubles, seen.visit.id, said=said, waiting=key == "wait"
        )
    )


async def send_verification(request: web.Request, seen: Seen) -> web.StreamResponse:
    """POST /security/verification"""
    outcome = await _perform(request, seen, "resend_verification")
    return go("/security?said=wait" if outcome.code == "rate_limited" else "/security?said=sent")


async def send_reset(request: web.Request, seen: Seen) -> web.StreamResponse:
    """POST /security/password"""
    outcome = await _perform(request, seen, "send_password_reset")
    return go("/security?said=wait" if outcome.code == "rate_limited" else "/security?said=sent")


async def sign_out_others(request: web.Request, seen: Seen) -> web.StreamResponse:
    """POST /security/sign-out-others"""
    outcome = await _perform(request, seen, "sign_out_other_sessions")
    return go("/confirm" if outcome.code == "step_up_required" else "/security?said=out")


async def labs(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /labs"""
    return show(settings.labs(seen.frame, seen.state, seen.troubles))


async def toggle(request: web.Request, seen: Seen) -> web.StreamResponse:
    """POST /labs"""
    flag, flags = seen.form.get("flag", ""), dict(seen.state["features"])
    if flag not in flags or seen.state["entitlements"].get(flag):
        raise Problem(400, "invalid_form", "There is no such feature.")
    flags[flag] = not flags[flag]
    sql = "UPDATE users SET features = ? WHERE ref = ?"
    await _change(
        request, seen.visit.ref, lambda db, user: db.execute(sql, (json.dumps(flags), seen.visit.ref))
    )
    return go("/labs")


async def support(request: web.Request, seen: Seen) -> web.StreamResponse:
    """GET /support"""
    sql = "SELECT * FROM support_actions WHERE ref = ? ORDER BY id DESC LIMIT 100"
    rows = await _change(
        request, seen.visit.ref, lambda db, user: db.execute(sql, (seen.visit.ref,)).fetchall()
    )
    return show(product.support(seen.frame, rows, {name: rule.title for name, rule in RULES.items()}))


def routes() -> list[web.RouteDef]:
    """Return the routes of this file."""
    pages = {
        "/": overview, "/deliveries": deliveries, "/billing": billing, "/preferences": preferences,
        "/exports": exports, "/exports/{id}.csv": download, "/security": security, "/labs": labs,
        "/support": support,
    }  # fmt: skip
    forms = {
        "/billing/retry": retry, "/billing/card": card, "/preferences": save, "/exports": start_export,
        "/security/verification": send_verification, "/security/password": send_reset,
        "/security/sign-out-others": sign_out_others, "/labs": toggle,
    }  # fmt: skip
    return [
        *(web.get(path, signed_in(handler)) for path, handler in pages.items()),
        *(web.post(path, signed_in(handler)) for path, handler in forms.items()),
    ]

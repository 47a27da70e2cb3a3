"""Handlers for signing in and out, the lock-out page, the links in mails, and the outbox."""

import sqlite3
from typing import Any

from aiohttp import web

from connectors.hosts.demo import auth, mail
from connectors.hosts.demo.context import KETTLE, Problem, answer, demand_same_origin, is_clean
from connectors.hosts.demo.keys import KeysUnusable, mint_token
from connectors.hosts.demo.pages import entry
from connectors.hosts.demo.pages.html import Html
from connectors.hosts.demo.pages.layout import Frame
from connectors.hosts.demo.passwords import MIN_LENGTH, hash_password, password_matches
from connectors.hosts.demo.state import find_by_email, find_user, read_state
from connectors.hosts.demo.store import now, stamp
from connectors.hosts.demo.troubles import troubles_of


def show(html: Html, status: int = 200) -> web.Response:
    """Return a page that nobody may cache."""
    return web.Response(
        text=html, content_type="text/html", status=status, headers={"Cache-Control": "no-store"}
    )


def go(path: str) -> web.Response:
    """Send the browser to another page with GET."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


async def read_form(request: web.Request) -> dict[str, str]:
    """Return the text fields of a form of this origin.

    Raises:
        Problem: 400 when it is not one, 403 when another site sends it.
    """
    demand_same_origin(request)
    try:
        fields = await request.post()
    except (ValueError, LookupError):
        raise Problem(400, "invalid_form", "The form cannot be read.") from None
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    if not all(is_clean(text, 2000) for text in texts.values()):
        raise Problem(400, "invalid_form", "The form holds text that cannot be stored.")
    return texts


def stranger(request: web.Request) -> Frame:
    """Return the frame of a page for somebody who is not signed in."""
    return Frame(request.path, request.app[KETTLE].firstline_url)


async def name_of(request: web.Request, visit: auth.Visit) -> str:
    """Return the user's name."""
    user = await request.app[KETTLE].store.run(lambda db: find_user(db, visit.ref))
    return str(user["name"]) if user else ""


async def sign_in_page(request: web.Request) -> web.Response:
    """GET /sign-in"""
    if await auth.current(request) is not None:
        return go("/")
    said = {
        "password": "Your new password is saved. Sign in with it.",
        "reset": "The sample data are back as they were.",
        "out": "You are signed out.",
    }.get(request.query.get("said", ""), "")
    return show(entry.sign_in(stranger(request), said=said))


async def sign_in(request: web.Request) -> web.Response:
    """POST /sign-in"""
    form = await read_form(request)
    email, password = form.get("email", "")[:254], form.get("password", "")[:200]
    store = request.app[KETTLE].store
    user = await store.run(lambda db: find_by_email(db, email))
    right = await password_matches(password, user["password"] if user else None)
    device = auth.describe_device(request.headers.get("User-Agent", ""))

    def settle(db: sqlite3.Connection) -> tuple[str, str] | None:
        fresh = find_by_email(db, email)
        if fresh is None:
            return None
        if not right:
            auth.note_failure(db, fresh)
            return None
        return auth.begin(db, fresh, device)

    begun = await store.run(settle)
    if begun is None:
        return show(entry.sign_in(stranger(request), email=email, failed=True), 401)
    secret, stage = begun
    response = go("/sign-in/code" if stage == "code" else "/")
    auth.put_cookie(response, secret)
    return response


async def sign_out(request: web.Request) -> web.Response:
    """POST /sign-out"""
    form = await read_form(request)
    visit = await auth.current(request)
    if visit is not None:
        if form.get("csrf") != visit.csrf:
            raise Problem(403, "wrong_form", "This form is too old. Load the page again.")
        await auth.end(request, visit)
    response = go("/sign-in?said=out")
    response.del_cookie(auth.COOKIE, path="/")
    return response


async def code(request: web.Request) -> web.Response:
    """GET and POST /sign-in/code and /confirm, and POST .../send"""
    visit = await auth.current(request)
    if visit is None or visit.stage == "restricted":
        return go("/")
    confirming = request.path.startswith("/confirm")
    if not confirming and visit.stage == "full":
        return go("/")
    frame = Frame(
        request.path, request.app[KETTLE].firstline_url, await name_of(request, visit), visit.csrf, True
    )
    action = "/confirm" if confirming else "/sign-in/code"
    if request.method != "POST":
        sent = not confirming or request.query.get("sent") == "1"
        return show(entry.code(frame, action=action, sent=sent))
    form = await read_form(request)
    if form.get("csrf") != visit.csrf:
        raise Problem(403, "wrong_form", "This form is too old. Load the page again.")
    store = request.app[KETTLE].store
    if request.path.endswith("/send"):
        await store.run(lambda db: _send_code(db, visit.ref))
        return go(f"{action}?sent=1")
    if await store.run(lambda db: auth.confirm_code(db, visit, form.get("code", "")[:20])):
        return go("/security?said=confirmed" if confirming else "/")
    return show(entry.code(frame, failed=True, action=action), 401)


def _send_code(db: sqlite3.Connection, ref: str) -> None:
    user = find_user(db, ref)
    if user is not None:
        mail.send(db, user, "code")


async def restricted(request: web.Request) -> web.Response:
    """GET /restricted"""
    visit = await auth.current(request)
    if visit is None or visit.stage != "restricted":
        return go("/")
    state = await request.app[KETTLE].store.run(lambda db: read_state(db, visit.ref))
    if state is None:
        return go("/sign-in")
    frame = Frame(
        "/restricted", request.app[KETTLE].firstline_url, state["account"]["name"], visit.csrf, True
    )
    return show(entry.restricted(frame, troubles_of(state)))


async def forgot(request: web.Request) -> web.Response:
    """GET and POST /forgot"""
    if request.method != "POST":
        return show(entry.forgot(stranger(request)))
    email = (await read_form(request)).get("email", "")[:254]

    def work(db: sqlite3.Connection) -> None:
        user = find_by_email(db, email)
        if user is not None and not mail.seconds_to_wait(user["password_reset_sent_at"]):
            mail.send(db, user, "reset")
            at = stamp(now())
            db.execute("UPDATE users SET password_reset_sent_at = ? WHERE ref = ?", (at, user["ref"]))

    await request.app[KETTLE].store.run(work)
    return show(entry.forgot(stranger(request), done=True))


async def reset(request: web.Request) -> web.Response:
    """GET and POST /reset: the link of a mail, and the new password."""
    store, frame = request.app[KETTLE].store, stranger(request)
    if request.method != "POST":
        token = request.query.get("token", "")[:100]
        if await store.run(lambda db: mail.peek_link(db, "reset", token)) is None:
            return show(entry.dead_link(frame), 410)
        return show(entry.new_password(frame, token))
    form = await read_form(request)
    token, password = form.get("token", "")[:100], form.get("password", "")
    ref = await store.run(lambda db: mail.peek_link(db, "reset", token))
    if ref is None:
        return show(entry.dead_link(frame), 410)
    complaint = await _complaint(request, ref, password)
    if complaint:
        return show(entry.new_password(frame, token, complaint=complaint), 422)
    hashed = await hash_password(password)
    visit = await auth.current(request)
    keep = visit.id if visit is not None and visit.ref == ref else ""

    def work(db: sqlite3.Connection) -> bool:
        if mail.use_link(db, "reset", token) is None:
            return False
        db.execute("UPDATE users SET password = ?, password_expired = 0 WHERE ref = ?", (hashed, ref))
        db.execute("DELETE FROM sessions WHERE ref = ? AND id <> ?", (ref, keep))
        return True

    if not await store.run(work):
        return show(entry.dead_link(frame), 410)
    return go("/" if keep else "/sign-in?said=password")


async def _complaint(request: web.Request, ref: str, password: str) -> str:
    if not MIN_LENGTH <= len(password) <= 200:
        return "Choose a password of 8 to 200 characters."
    user = await request.app[KETTLE].store.run(lambda db: find_user(db, ref))
    if user is not None and await password_matches(password, user["password"]):
        return "That is the old password. Choose another one."
    return ""


async def verify(request: web.Request) -> web.Response:
    """GET /verify: the link that confirms an e-mail address."""
    token = request.query.get("token", "")[:100]

    def work(db: sqlite3.Connection) -> bool:
        ref = mail.use_link(db, "verify", token)
        if ref is None:
            return False
        db.execute("UPDATE users SET email_verified = 1 WHERE ref = ?", (ref,))
        return True

    if not await request.app[KETTLE].store.run(work):
        return show(entry.dead_link(stranger(request)), 410)
    text = "Thank you. Receipts and delivery news will reach you from now on."
    return show(entry.message(stranger(request), "Your address is confirmed", text, ("/", "Go to Kettle")))


async def outbox(request: web.Request) -> web.Response:
    """GET /outbox: everybody's mails, because this is a sample application."""

    def work(db: sqlite3.Connection) -> list[Any]:
        return db.execute("SELECT * FROM mails ORDER BY id DESC LIMIT 50").fetchall()

    visit = await auth.current(request)
    frame = stranger(request)
    if visit is not None:
        name = await name_of(request, visit)
        frame = Frame("/outbox", frame.firstline_url, name, visit.csrf, visit.stage != "full")
    return show(entry.outbox(frame, await request.app[KETTLE].store.run(work)))


async def token(request: web.Request) -> web.Response:
    """POST /firstline/token: vouch for the signed-in user, restricted ones included, for five minutes."""
    demand_same_origin(request)
    visit = await auth.current(request)
    if visit is None or visit.stage == "code":
        raise Problem(401, "signed_out", "Nobody is signed in.")
    kettle = request.app[KETTLE]
    user = await kettle.store.run(lambda db: find_user(db, visit.ref))
    if user is None:
        raise Problem(401, "signed_out", "Nobody is signed in.")
    try:
        text, ends = mint_token(kettle.keys, ref=visit.ref, name=user["name"], email=user["email"])
    except KeysUnusable as error:
        raise Problem(503, "keys_unusable", str(error)) from None
    return answer({"token": text, "expires_at": ends})


def routes() -> list[web.RouteDef]:
    """Return the routes of this file."""
    return [
        web.get("/sign-in", sign_in_page),
        web.post("/sign-in", sign_in),
        web.post("/sign-out", sign_out),
        web.get("/sign-in/code", code),
        web.post("/sign-in/code", code),
        web.post("/sign-in/code/send", code),
        web.get("/confirm", code),
        web.post("/confirm", code),
        web.post("/confirm/send", code),
        web.get("/restricted", restricted),
        web.get("/forgot", forgot),
        web.post("/forgot", forgot),
        web.get("/reset", reset),
        web.post("/reset", reset),
        web.get("/verify", verify, allow_head=False),
        web.get("/outbox", outbox),
        web.post("/firstline/token", token),
    ]

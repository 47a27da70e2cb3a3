"""What makes Kettle a demo: bringing the sample data back, and faults on demand. Same machine only."""

from aiohttp import web

from connectors.hosts.demo.context import KETTLE, Problem, answer, demand_loopback, parse_object
from connectors.hosts.demo.sample import BY_KEY, SAMPLES, restore
from connectors.hosts.demo.web_entry import go


async def reset(request: web.Request) -> web.Response:
    """POST /demo/reset {"user": "ada"?} -> {"reset": [refs]}; from the sign-in page's button, back to it."""
    demand_loopback(request)
    by_form = "html" in request.headers.get("Accept", "")
    key = None if by_form else parse_object(await request.read()).get("user")
    if key is not None and (not isinstance(key, str) or key.removeprefix("usr_") not in BY_KEY):
        raise Problem(404, "unknown_user", f"Sample users: {', '.join(BY_KEY)}.")
    refs = await request.app[KETTLE].store.run(
        lambda db: restore(db, key.removeprefix("usr_") if key else None)
    )
    return go("/sign-in?said=reset") if by_form else answer({"reset": refs})


async def users(request: web.Request) -> web.Response:
    """GET /demo/users -> the sample users and the trouble each starts with"""
    demand_loopback(request)
    return answer(
        {
            "users": [
                {"ref": s.ref, "email": s.email, "name": s.name, "trouble": s.trouble, "code": s.code}
                for s in SAMPLES
            ]
        }
    )


async def get_faults(request: web.Request) -> web.Response:
    """GET /demo/faults"""
    demand_loopback(request)
    return answer(request.app[KETTLE].faults.describe())


async def set_faults(request: web.Request) -> web.Response:
    """POST /demo/faults {"rates": {"*": {"error": 0.1}}, "seed": 7, "hang_seconds": 30}; {} turns them off"""
    demand_loopback(request)
    faults = request.app[KETTLE].faults
    try:
        faults.set(parse_object(await request.read()))
    except ValueError as error:
        raise Problem(400, "invalid_faults", str(error)) from None
    return answer(faults.describe())


async def health(request: web.Request) -> web.Response:
    """GET /healthz: 200 once the state can be read"""
    await request.app[KETTLE].store.run(lambda db: db.execute("SELECT 1 FROM users LIMIT 1").fetchone())
    return answer({"status": "ok"})


def routes() -> list[web.RouteDef]:
    """Return the routes of this file."""
    return [
        web.post("/demo/reset", reset),
        web.get("/demo/users", users),
        web.get("/demo/faults", get_faults),
        web.post("/demo/faults", set_faults),
        web.get("/healthz", health),
    ]

"""Commands on keys and staff accounts."""

import re
from dataclasses import asdict
from datetime import timedelta

from app.cli.output import print_json, print_table
from app.cli.services import opened_database
from app.settings import Settings
from foundation.errors import InvalidInput, NotFound
from security.identity.keyring import HostKeys

LONGEST_NAME = 100
MOST_HOURS = 24 * 366
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]{1,63}(?:\.[^\s@.]{1,63})+")


def rotate(host: str, grace_hours: float, *, as_json: bool) -> None:
    """Rotate a host's key; both sides see it without a restart."""
    if not grace_hours <= MOST_HOURS:  # not a number is not less either
        raise InvalidInput(f"The old key can verify for {MOST_HOURS} hours at most.")
    keys = HostKeys(Settings.from_env().host_keys)
    ring = keys.ring(host)
    if ring is None:
        known = ", ".join(keys.hosts()) or "none yet"
        raise NotFound("There is no key ring of that host.", hint=f"Hosts with keys: {known}.")
    key = ring.rotate(timedelta(hours=grace_hours))
    retiring = {old.kid: old.retires for old in ring.keys if old.retires is not None}
    if as_json:
        print_json({"host": host, "kid": key.kid, "file": str(ring.path), "retiring": retiring})
        return
    print(f"New signing key {key.kid} in {ring.path}.")
    for kid, until in retiring.items():
        print(f"{kid} still verifies until {until:%Y-%m-%d %H:%M} UTC.")


async def add(email: str, name: str, roles: list[str], *, as_json: bool) -> None:
    """Create an account."""
    from app.wiring.single_services import staff_directory

    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidInput("That is no e-mail address.")
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InvalidInput(f"That is no name: 1 to {LONGEST_NAME} printable characters.")
    async with opened_database(Settings.from_env()) as database:
        created, password = await staff_directory(database).create(
            email=email, name=name, roles=frozenset(roles), by="cli"
        )
    if as_json:
        print_json({"id": created.id, "email": created.email, "one_time_password": password.password})
    else:
        print(f"{created.email} can sign in once with: {password.password}")


async def reset_password(email: str, *, as_json: bool) -> None:
    """Give a new one-time password."""
    from app.wiring.single_services import staff_directory

    async with opened_database(Settings.from_env()) as database:
        directory = staff_directory(database)
        found = await directory.find_by_email(email)
        if found is None:
            raise NotFound("There is no account of that address.", hint="See `firstline staff list`.")
        password = await directory.reset_password(found.id, by="cli")
    if as_json:
        print_json({"id": found.id, "email": found.email, "one_time_password": password.password})
    else:
        print(f"{found.email} can sign in once with: {password.password}")


async def list_staff(*, as_json: bool) -> None:
    """List accounts."""
    from app.wiring.single_services import staff_directory

    async with opened_database(Settings.from_env()) as database:
        found = await staff_directory(database).list()
    if as_json:
        print_json({"staff": [asdict(one) for one in found]})
    else:
        rows = [
            (one.email, one.name, ", ".join(sorted(one.roles)), "yes" if one.disabled else "")
            for one in found
        ]
        print_table("Staff", ("email", "name", "roles", "locked"), rows)

"""What a database error means for a caller: their value, a conflict, a moment's wait, or our own mistake.

The classes are those of SQLSTATE (PostgreSQL's manual, Appendix A), which the driver hands on.
"""

from sqlalchemy import exc

from foundation.errors import Conflict, FirstlineError, InvalidInput, Unavailable

_CLASHES = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock not available: the same call may succeed right away."""
_AWAY = frozenset({"08", "53", "57", "58", "XX"})
"""Connection, resources, operator intervention (shutdown, cancelled), system error, internal error."""


def explain(error: Exception) -> FirstlineError | None:
    """Return what to tell the caller, or None when it is a mistake of ours, or no database error at all."""
    if isinstance(error, exc.TimeoutError | exc.DisconnectionError):
        return _away()
    if not isinstance(error, exc.StatementError):
        return _of_driver(error)
    origin = error.orig
    if not isinstance(error, exc.DBAPIError):
        # A value that could not be turned into what the driver takes.
        return _refused() if isinstance(origin, ValueError | TypeError | OverflowError) else None
    state = str(getattr(origin, "sqlstate", None) or "")
    if state:
        return _of_state(state)
    told = _of_driver(origin.__cause__) if origin is not None else None
    return told or (_away() if isinstance(error, exc.OperationalError | exc.InterfaceError) else None)


def _of_state(state: str) -> FirstlineError | None:
    if state in _CLASHES:
        return Unavailable("Somebody else changes the same.", hint="Try again.", code="busy", retry_after=1)
    if state[:2] in _AWAY:
        return _away()
    if state[:2] == "23":
        return Conflict("This does not fit with what is stored.", hint="Read it again and repeat the change.")
    if state[:2] == "22":
        return _refused()
    return None


def _of_driver(error: BaseException | None) -> FirstlineError | None:
    """Errors that asyncpg raises itself, which have no SQLSTATE."""
    if error is None or not type(error).__module__.startswith("asyncpg"):
        return None
    state = getattr(error, "sqlstate", None)
    if state:
        return _of_state(str(state))
    # Its DataError (a value that the column's type does not hold) is an InterfaceError and a ValueError.
    return _refused() if isinstance(error, ValueError) else _away()


def _refused() -> FirstlineError:
    return InvalidInput("A value cannot be stored.", hint="See /openapi.json for what each field may hold.")


def _away() -> FirstlineError:
    return Unavailable("The database does not answer.", hint="Try again in a moment.", retry_after=2)

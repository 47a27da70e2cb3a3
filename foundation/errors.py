"""One error tree. Catch by family; the HTTP layer renders each as a problem document (RFC 9457).

    FirstlineError
    +-- ClientError                 the caller can mend it
    |   +-- InvalidInput            400
    |   +-- Unauthenticated         401
    |   +-- Forbidden               403
    |   +-- NotFound                404
    |   +-- Conflict                409
    |   +-- PreconditionFailed      412
    |   +-- TooLarge                413
    |   +-- UnsupportedMedia        415
    |   +-- Unprocessable           422
    |   +-- RateLimited             429
    +-- Unavailable                 503: a part we depend on is down

Messages are sentences for the person who gets them. They never repeat the rejected input.
"""

from typing import Any


class FirstlineError(Exception):
    """Base of all expected errors; `hint` says what to do about it."""

    status = 500
    code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.extra = extra or {}
        if code is not None:
            self.code = code


class ClientError(FirstlineError):
    """The caller can mend it."""

    status = 400
    code = "client_error"


class InvalidInput(ClientError):
    """The input does not have the form it must have."""

    code = "invalid_input"


class Unauthenticated(ClientError):
    """Nobody, or not provably somebody, is calling."""

    status = 401
    code = "unauthenticated"


class Forbidden(ClientError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"


class NotFound(ClientError):
    """There is no such thing, or not for this caller."""

    status = 404
    code = "not_found"


class Conflict(ClientError):
    """The thing has changed meanwhile, or the same key came with other content."""

    status = 409
    code = "conflict"


class PreconditionFailed(ClientError):
    """A condition that the caller named does not hold."""

    status = 412
    code = "precondition_failed"


class TooLarge(ClientError):
    """The input is larger than we take."""

    status = 413
    code = "too_large"


class UnsupportedMedia(ClientError):
    """The body is of a kind we do not read."""

    status = 415
    code = "unsupported_media"


class Unprocessable(ClientError):
    """The input is well formed and makes no sense here."""

    status = 422
    code = "unprocessable"


class RateLimited(ClientError):
    """Too many calls; try again after `retry_after` seconds."""

    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Unavailable(FirstlineError):
    """A part that this needs is down, does not answer in time or is busy; `retry_after` is in seconds."""

    status = 503
    code = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        extra: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code, extra=extra)
        self.retry_after = retry_after

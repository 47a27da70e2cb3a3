"""HTTP kit: endpoints as data, from which routing, access control, validation and OpenAPI all follow."""

from foundation.callers import Caller
from foundation.http.access import Authenticator
from foundation.http.endpoints import Call, Endpoint, NoBody, Reply

__all__ = ["Authenticator", "Call", "Caller", "Endpoint", "NoBody", "Reply"]

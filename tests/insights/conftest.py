"""The wired application, for what is read from other rooms' logs."""

from tests.app.conftest import app_client, firstline, overrides

__all__ = ["app_client", "firstline", "overrides"]

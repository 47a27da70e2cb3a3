"""Tests reach this machine alone."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


def test_another_machine_cannot_be_reached_from_a_test() -> None:
    with socket.socket() as connection, pytest.raises(SocketConnectBlockedError):
        connection.connect(("192.0.2.1", 80))

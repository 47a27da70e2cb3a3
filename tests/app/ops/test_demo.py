"""The demo application as a child: for this machine, and gone when the installation is for others."""

from pathlib import Path

import psutil
import pytest

from app.cli.services import Silent
from app.ops.children.child import Child
from app.ops.supervisor import Supervisor
from app.settings import Settings
from tests.support.product import free_ports

pytestmark = pytest.mark.enable_socket


async def test_a_demo_that_an_earlier_run_left_is_ended(tmp_path: Path) -> None:
    port, demo_port = free_ports(2)
    environ = {"FIRSTLINE_HOME": str(tmp_path / "home"), "PORT": str(port), "DEMO_PORT": str(demo_port)}
    first = Supervisor(Settings.from_env(environ), Silent())
    await first.start_demo()
    record = Child.record_in(tmp_path / "home" / "run", "demo")
    assert record is not None
    listening = psutil.Process(record.pid).net_connections("inet")
    assert {one.laddr.ip for one in listening if one.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    assert first.demo is not None
    assert first.demo._keeper is not None
    first.demo._keeper.cancel()
    (tmp_path / "home" / "hosts.yml").write_text("hosts: {}")
    await Supervisor(Settings.from_env(environ), Silent()).start_demo()
    assert not record.alive

"""The whole application makes its key at the first start and leaves a checkpoint when it stops."""

from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient

from actions.attempts.model import NewAttempt
from app.bootstrap import Firstline
from app.wiring.single_services import audit_keys, checkpoint_file
from security.audit.chain import is_genuine
from security.audit.log import read_checkpoints


async def test_key_at_the_first_start_and_checkpoint_at_the_end(
    app_client: TestClient[Any, Any], firstline: Firstline, tmp_path: Path
) -> None:
    keys = audit_keys(firstline.settings)
    assert not keys.is_empty
    await firstline.actions.log.record(
        NewAttempt("cnv_1", "trn_1", "usr_1", "kettle", "workflow", "unlock_account")
    )
    await app_client.close()
    last = read_checkpoints(checkpoint_file(firstline.settings))[-1]
    assert last is not None
    assert is_genuine(last, keys)
    assert last.number == 2, "the log begins with an entry of its own"

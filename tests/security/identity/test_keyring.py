"""Key rings are made once, seen by everybody, rotated with grace and never half read."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from foundation.clock import FixedClock
from security.identity.keyring import HostKeys, KeyRing, KeyRingError


def test_a_new_ring_is_readable_by_its_owner_only_and_has_a_strong_key(ring: KeyRing) -> None:
    assert ring.path.stat().st_mode & 0o777 == 0o600
    key = ring.signing_key()
    assert key.alg == "HS256"
    assert key.secret is not None
    assert len(key.secret) == 32
    assert str(key.secret) not in repr(key)


def test_creating_again_keeps_the_keys(ring: KeyRing, clock: FixedClock) -> None:
    again = KeyRing.create(ring.path, "kettle", clock)
    assert again.signing_key() == ring.signing_key()
    assert os.listdir(ring.path.parent) == ["kettle.json"]


def test_rotation_is_seen_by_another_reader_and_the_old_key_has_grace(
    ring: KeyRing, clock: FixedClock
) -> None:
    reader = KeyRing.load(ring.path, clock)
    old = reader.signing_key()
    new = ring.rotate(timedelta(hours=1))
    assert reader.signing_key() == new != old
    assert reader.find(old.kid) is not None
    clock.advance(3600)
    assert reader.find(old.kid) is None
    ring.rotate()
    assert old.kid not in {key.kid for key in reader.keys}
    assert new.kid in {key.kid for key in reader.keys}


@pytest.mark.parametrize(
    "content",
    [
        "nonsense",
        "[]",
        "{}",
        '{"host": "kettle", "keys": [{"kid": "a", "alg": "none", "created": "2025-01-01T00:00:00Z"}]}',
        '{"host": "kettle", "keys": [{"kid": "a", "alg": "HS256", "secret": "c2hvcnQ",'
        ' "created": "2025-01-01T00:00:00Z"}]}',
        '{"host": "kettle", "keys": [{"kid": "a", "alg": "EdDSA", "created": "2025-01-01T00:00:00Z",'
        ' "public_jwk": {"kty": "EC", "crv": "P-256"}}]}',
    ],
)
def test_an_unusable_file_is_named_and_its_content_is_not_shown(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kettle.json"
    path.write_text(content)
    with pytest.raises(KeyRingError) as caught:
        KeyRing.load(path)
    assert "kettle.json" in caught.value.message
    assert "c2hvcnQ" not in caught.value.message


def test_a_private_key_is_refused(ring: KeyRing) -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "QQtWw3N_861NsR711qVDgiIn0LhorQGRGhzV1nDhluo", "d": "abc"}
    with pytest.raises(KeyRingError, match="private"):
        ring.add_public_key("k2", "EdDSA", jwk)
    assert len(ring.keys) == 1


@pytest.mark.parametrize(
    "name", ["../kettle", "kettle/../kettle", "", ".", "KETTLE", "kettle.json", "a\x00b"]
)
def test_no_name_leads_out_of_the_folder(ring: KeyRing, clock: FixedClock, name: str) -> None:
    assert HostKeys(ring.path.parent, clock).ring(name) is None


def test_a_ring_that_is_left_behind_admits_nobody(ring: KeyRing, clock: FixedClock, tmp_path: Path) -> None:
    elsewhere = KeyRing.create(tmp_path / "elsewhere.json", "acme", clock)
    keys = HostKeys(ring.path.parent, clock, {"acme": elsewhere.path})
    assert keys.ring("kettle") is None
    found = keys.ring("acme")
    assert found is not None
    assert found.path == elsewhere.path
    assert keys.hosts() == ["acme"]


def test_a_host_is_admitted_by_its_file_and_a_file_of_another_name_is_not_believed(
    ring: KeyRing, clock: FixedClock
) -> None:
    keys = HostKeys(ring.path.parent, clock)
    assert keys.ring("other") is None
    content = json.loads(ring.path.read_text())
    (ring.path.parent / "other.json").write_text(json.dumps(content))
    with pytest.raises(KeyRingError):
        keys.ring("other")
    (ring.path.parent / "other.json").write_text(json.dumps({**content, "host": "other"}))
    assert keys.ring("other") is not None
    assert keys.hosts() == ["kettle", "other"]
    (ring.path.parent / "other.json").unlink()
    assert keys.ring("other") is None

"""Only a fresh token that the named host signed with the named key, for us, vouches for a user."""

import base64
import hashlib
import hmac
import json
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from foundation.clock import FixedClock
from foundation.errors import Unauthenticated
from security.identity.keyring import HostKeys, KeyRing
from security.identity.user_tokens import UserTokens, mint
from tests.security.conftest import NOW


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    claims = {"iss": "kettle", "aud": "firstline", "sub": "usr_ada", "iat": now, "exp": now + 300, "jti": "1"}
    return {**claims, **changes}


def _hand_made(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    signed = f"{_part(header)}.{_part(claims)}"
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _sign(alg: str, private: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jwt.encode({"alg": alg, "kid": "pub1"}, _claims(), private, algorithms=[alg])


def _refused(tokens: UserTokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        tokens.verify(token)
    assert caught.value.hint
    assert caught.value.status == 401
    return caught.value.code


def test_a_good_token_says_who(tokens: UserTokens, ring: KeyRing) -> None:
    token = mint(ring, sub="usr_ada", name="Ada", email="ada@kettle.example", now=NOW)
    who = tokens.verify(token)
    assert (who.host, who.ref, who.name, who.email) == ("kettle", "usr_ada", "Ada", "ada@kettle.example")
    assert who.expires_at == NOW + timedelta(minutes=5)
    assert who.caller().id == "kettle:usr_ada"
    assert who.caller().expires_at == who.expires_at


def test_a_token_made_without_our_library_is_accepted(tokens: UserTokens, ring: KeyRing) -> None:
    key = ring.signing_key()
    assert key.secret is not None
    token = _hand_made({"alg": "HS256", "typ": "JWT", "kid": key.kid}, _claims(), key.secret)
    assert tokens.verify(token).ref == "usr_ada"


def test_it_expires_with_a_little_patience_for_clocks(
    tokens: UserTokens, ring: KeyRing, clock: FixedClock
) -> None:
    token = mint(ring, sub="usr_ada", now=NOW)
    clock.advance(329)
    tokens.verify(token)
    clock.advance(2)
    assert _refused(tokens, token) == "token_expired"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "somebody"}, "token_wrong_audience"),
        ({"aud": None}, "token_wrong_audience"),
        ({"iss": "other"}, "token_unknown_issuer"),
        ({"iss": "../kettle"}, "token_unknown_issuer"),
        ({"iss": None}, "token_unknown_issuer"),
        ({"iat": int(NOW.timestamp()) + 120}, "token_not_yet_valid"),
        ({"nbf": int(NOW.timestamp()) + 120}, "token_not_yet_valid"),
        ({"exp": int(NOW.timestamp()) + 3600}, "token_lives_too_long"),
        ({"iat": int(NOW.timestamp()) - 900}, "token_lives_too_long"),
        ({"exp": None}, "token_claim_missing"),
        ({"exp": True}, "token_claim_missing"),
        ({"exp": "soon"}, "token_claim_missing"),
        ({"exp": 1e300}, "token_claim_missing"),
        ({"iat": None}, "token_claim_missing"),
        ({"jti": None}, "token_claim_missing"),
        ({"sub": ""}, "token_claim_missing"),
        ({"sub": "a\nb"}, "token_claim_missing"),
        ({"sub": "x" * 201}, "token_claim_missing"),
        ({"sub": 7}, "token_claim_missing"),
        ({"email": ["a"]}, "token_claim_missing"),
    ],
)
def test_each_claim_is_checked(tokens: UserTokens, ring: KeyRing, claims: dict[str, Any], code: str) -> None:
    assert _refused(tokens, mint(ring, sub="usr_ada", now=NOW, claims=claims)) == code


def test_audience_may_be_a_list(tokens: UserTokens, ring: KeyRing) -> None:
    assert tokens.verify(mint(ring, sub="u", now=NOW, claims={"aud": ["x", "firstline"]})).ref == "u"


def test_another_secret_under_a_known_kid_is_a_wrong_signature(tokens: UserTokens, ring: KeyRing) -> None:
    header = {"alg": "HS256", "kid": ring.signing_key().kid}
    assert _refused(tokens, _hand_made(header, _claims(), b"x" * 32)) == "token_bad_signature"


def test_changing_a_claim_breaks_the_signature(tokens: UserTokens, ring: KeyRing) -> None:
    head, _, tail = mint(ring, sub="usr_ada", now=NOW).split(".")
    assert _refused(tokens, f"{head}.{_part(_claims(sub='usr_ben'))}.{tail}") == "token_bad_signature"


def test_an_unknown_kid_is_refused(tokens: UserTokens, ring: KeyRing) -> None:
    secret = ring.signing_key().secret
    assert secret is not None
    for header in ({"alg": "HS256", "kid": "k_other"}, {"alg": "HS256"}, {"alg": "HS256", "kid": 1}):
        assert _refused(tokens, _hand_made(header, _claims(), secret)) in {
            "token_unknown_key",
            "token_malformed",
        }


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS384", "RS256", ""])
def test_no_other_algorithm_is_believed(tokens: UserTokens, ring: KeyRing, alg: str) -> None:
    header = {"alg": alg, "kid": ring.signing_key().kid}
    for signature in ("", "AAAA"):
        token = f"{_part(header)}.{_part(_claims())}.{signature}"
        assert _refused(tokens, token) in {"token_wrong_algorithm", "token_malformed"}


@pytest.mark.parametrize(("alg", "named"), [("EdDSA", "EdDSA"), ("EdDSA", "Ed25519"), ("ES256", "ES256")])
def test_public_keys_verify_and_cannot_be_used_as_a_shared_secret(
    tokens: UserTokens, ring: KeyRing, alg: Any, named: str
) -> None:
    private: Any = OKPKey.generate_key("Ed25519") if alg == "EdDSA" else ECKey.generate_key("P-256")
    public = private.as_dict(private=False)
    ring.add_public_key("pub1", alg, public)
    token = _sign(named, private)
    assert tokens.verify(token).ref == "usr_ada"
    for secret in (json.dumps(public).encode(), public["x"].encode(), private.as_pem(private=False)):
        confused = _hand_made({"alg": "HS256", "kid": "pub1"}, _claims(), secret)
        assert _refused(tokens, confused) == "token_wrong_algorithm"
    stranger: Any = OKPKey.generate_key("Ed25519") if alg == "EdDSA" else ECKey.generate_key("P-256")
    assert _refused(tokens, _sign(named, stranger)) == "token_bad_signature"
    assert ring.signing_key().alg == "HS256"


def test_a_key_in_the_header_is_ignored(tokens: UserTokens, ring: KeyRing) -> None:
    mine = OctKey.import_key(b"m" * 32)
    header = {"alg": "HS256", "kid": ring.signing_key().kid, "jwk": {"kty": "oct", "k": "bW1tbQ"}}
    token = jwt.encode(header, _claims(), mine, algorithms=["HS256"])
    assert _refused(tokens, token) in {"token_bad_signature", "token_malformed"}


def test_one_host_cannot_speak_for_another(
    tokens: UserTokens, ring: KeyRing, clock: FixedClock, tmp_path: Path
) -> None:
    other = KeyRing.create(ring.path.parent / "other.json", "other", clock)
    assert tokens.verify(mint(other, sub="usr_ada", now=NOW)).host == "other"
    assert (
        _refused(tokens, mint(other, sub="usr_ada", now=NOW, claims={"iss": "kettle"})) == "token_unknown_key"
    )


def test_after_a_rotation_both_keys_work_until_the_grace_ends(
    tokens: UserTokens, ring: KeyRing, clock: FixedClock
) -> None:
    old = mint(ring, sub="usr_ada", now=NOW)
    ring.rotate(timedelta(seconds=60))
    new = mint(ring, sub="usr_ada", now=NOW)
    assert tokens.verify(old).ref == tokens.verify(new).ref == "usr_ada"
    clock.advance(61)
    assert _refused(tokens, old) == "token_unknown_key"
    assert tokens.verify(new).ref == "usr_ada"


@given(st.one_of(st.text(max_size=60), st.lists(st.text(max_size=20), min_size=3, max_size=3).map(".".join)))
def test_any_text_is_refused_calmly(text: str) -> None:
    empty = UserTokens(HostKeys(Path("/nonexistent")), FixedClock(NOW))
    assert _refused(empty, text) in {"token_malformed", "token_unknown_issuer"}


@pytest.mark.parametrize("payload", [b"[]", b"null", b"{", b'{"iss":"a","iss":"b"}', b"[" * 3000, b"\xff"])
def test_odd_payloads_are_malformed(tokens: UserTokens, payload: bytes) -> None:
    body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    assert _refused(tokens, f"{_part({'alg': 'HS256', 'kid': 'k'})}.{body}.AAAA") == "token_malformed"

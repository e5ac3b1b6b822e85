"""Flows: only those that this service has made are continued, and each expires."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from app.auth.flows import Flow, continued_or_new, read_flow
from app.secret_key import SecretKey
from app.settings.load import load

FIRST, SECOND = "a first key 4Xw1kQz8vRt6Lm2Ns0Bp", "a second key 7Zr0Vb3Lw9Qe5Tx1Yn6Ku"

FOR = ("ada@example.org", "sign_in")
EXPIRY = datetime(2026, 6, 1, 12, 10, tzinfo=UTC)


def secret_key(current: str = FIRST, **more: str) -> SecretKey:
    return SecretKey(load({"SECRET_KEY": current, **more}))


def new_flow(current: str = FIRST) -> Flow:
    return continued_or_new(secret_key(current), None, *FOR, EXPIRY)


def test_a_flow_is_random_and_continued_where_it_is_sent_back() -> None:
    flows = [new_flow() for _ in range(100)]
    assert len({flow.text for flow in flows}) == len({flow.hash for flow in flows}) == 100
    assert {len(flow.text) for flow in flows} == {48}
    assert all(continued_or_new(secret_key(), flow.text, *FOR, EXPIRY) == flow for flow in flows)
    assert all(read_flow(secret_key(), flow.text, *FOR) == flow for flow in flows)


def test_a_continued_flow_keeps_its_hash_and_expires_later() -> None:
    flow, later = new_flow(), EXPIRY + timedelta(minutes=9)
    renewed = continued_or_new(secret_key(), flow.text, *FOR, later)
    assert (renewed.hash, renewed.expires_at) == (flow.hash, later)
    assert renewed.text != flow.text
    assert [made.is_live(EXPIRY) for made in (flow, renewed)] == [False, True]
    assert flow.is_live(EXPIRY - timedelta(microseconds=1))


def test_what_this_service_has_not_made_is_replaced_by_a_new_flow() -> None:
    flow = new_flow()
    characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = [
        flow.text[:at] + character + flow.text[at + 1 :]
        for at in (0, 22, 24, 47)
        for character in characters
        if character != flow.text[at]
    ]
    others = ["A" * 48, "ü" * 48, flow.text[:-1], f"{flow.text}=", f" {flow.text}", f"{flow.text}\n"]
    for sent in [*others, *changed, flow.text.swapcase(), new_flow(SECOND).text]:
        assert read_flow(secret_key(), sent, *FOR) is None
        made = continued_or_new(secret_key(), sent, *FOR, EXPIRY)
        assert made.hash != flow.hash
        assert read_flow(secret_key(), made.text, *FOR) == made


def test_a_flow_outlives_a_change_of_the_secret_key() -> None:
    flow, changed = new_flow(), secret_key(SECOND, SECRET_KEY_PREVIOUS=FIRST)
    assert read_flow(changed, flow.text, *FOR) == flow
    assert continued_or_new(changed, flow.text, *FOR, EXPIRY).hash == flow.hash


def test_a_flow_for_another_address_or_purpose_is_replaced() -> None:
    flow = new_flow()
    for other in (("eve@example.org", "sign_in"), ("ada@example.org", "password_reset")):
        assert continued_or_new(secret_key(), flow.text, *other, EXPIRY).hash != flow.hash
        assert read_flow(secret_key(), flow.text, *other) is None


def test_a_flow_is_stored_as_a_sha_256_and_shown_by_no_repr() -> None:
    flow = new_flow()
    assert flow.hash == sha256(urlsafe_b64decode(flow.text)[:16]).hexdigest()
    assert flow.text not in repr(flow)

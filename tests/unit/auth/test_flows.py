"""Flows: only those that this service has made are continued."""

from app.auth.flows import continued_or_new, flow_hash, is_own, new_flow
from app.secret_key import SecretKey
from app.settings.load import load

FIRST, SECOND = "a first key 4Xw1kQz8vRt6Lm2Ns0Bp", "a second key 7Zr0Vb3Lw9Qe5Tx1Yn6Ku"

FOR = ("ada@example.org", "sign_in")


def secret_key(current: str = FIRST, **more: str) -> SecretKey:
    return SecretKey(load({"SECRET_KEY": current, **more}))


def test_a_flow_is_random_and_continued_where_it_is_sent_back() -> None:
    flows = {new_flow(secret_key(), *FOR) for _ in range(100)}
    assert len(flows) == 100
    assert {len(flow) for flow in flows} == {43}
    assert all(continued_or_new(secret_key(), flow, *FOR) == flow for flow in flows)


def test_what_this_service_has_not_made_is_replaced_by_a_new_flow() -> None:
    flow = new_flow(secret_key(), *FOR)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same_bytes = [flow[:-1] + character for character in last if character != flow[-1]]
    others = [None, "", "A" * 43, "ü" * 43, flow[:-1], f"{flow}=", f" {flow}", f"{flow}\n", flow.swapcase()]
    for sent in [*others, *same_bytes, new_flow(secret_key(SECOND), *FOR)]:
        made = continued_or_new(secret_key(), sent, *FOR)
        assert made not in (sent, flow)
        assert continued_or_new(secret_key(), made, *FOR) == made


def test_a_flow_outlives_a_change_of_the_secret_key() -> None:
    flow = new_flow(secret_key(), *FOR)
    assert continued_or_new(secret_key(SECOND, SECRET_KEY_PREVIOUS=FIRST), flow, *FOR) == flow


def test_a_flow_for_another_address_or_purpose_is_replaced() -> None:
    flow = new_flow(secret_key(), *FOR)
    for other in (("eve@example.org", "sign_in"), ("ada@example.org", "password_reset")):
        assert continued_or_new(secret_key(), flow, *other) != flow
        assert not is_own(secret_key(), flow, *other)
    assert is_own(secret_key(), flow, *FOR)


def test_the_stored_hash_is_sha_256() -> None:
    assert flow_hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

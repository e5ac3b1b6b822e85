"""Hostile JSON: nesting, numbers and shapes that break a decoder, or pass its checks of types."""

import json

import pytest

from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors

MALFORMED = (
    b"", b" ", b"{", b"}", b"{]", b"nul", b"NaN", b"Infinity", b"'a'", b"{'a':1}", b"{a:1}", b"[1,]", b"{}{}", b"{} x",
    b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "{}".encode("utf-32"), b"// x\n{}", b'{"secret": "\n"}', b"\x00", b"0x1",
    b"[" * 60_000, b'{"a":' * 10_000, b"[" * 30_000 + b"]" * 30_000, b'{"method":' * 5_000 + b"1" + b"}" * 5_000,
    b"1" * 60_000, b"-", b"1e", b"01", b'"' + b"a" * 60_000,
)  # fmt: skip

SHAPES = (b"null", b"true", b"0", b'"text"', b"[]", b"[{}]", b"{}", b"1e400", b"-0", b"[null]", b"[[[[[[]]]]]]")

VALUES: tuple[object, ...] = (
    None, True, 0, 1.5, -1, 10**30, [], ["x"], {}, {"$ne": None}, {"$gt": ""}, [[]], {"toString": "x"}, 1e300,
)  # fmt: skip

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("body", MALFORMED)
async def test_a_body_that_is_not_json_is_a_400(app: RunningApp, body: bytes) -> None:
    answer = await app.client().post("/api/session", content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_json"


@pytest.mark.parametrize("body", SHAPES)
async def test_json_of_another_shape_is_answered_422(app: RunningApp, body: bytes) -> None:
    assert (await app.client().post("/api/session", content=body, headers=JSON)).status_code == 422


async def test_no_value_of_another_type_is_accepted_as_text(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()
    token = await app.invitation()
    requests: list[tuple[str, str, dict[str, str], set[str]]] = [
        ("POST", "/api/session", CREDENTIALS, set()),
        (
            "POST",
            "/api/keys/redeem",
            {"token": token, "name": "Eve", "secret": SECRET},
            {"token", "email", "name", "secret"},
        ),
        ("PUT", "/api/keys/primary/secret", {"secret": SECRET}, set()),
        ("POST", "/api/languages", {"code": "fr", "name": "French"}, {"autonym", "textDirection"}),
        ("PATCH", "/api/languages/de", {"name": "German"}, set()),
    ]

    for method, path, body, nullable in requests:
        for field in {*body, *nullable}:
            for value in VALUES:
                if value is None and field in nullable:
                    continue
                answer = await admin.request(method, path, json={**body, field: value})
                assert list(field_errors(answer)) == [field], (path, field, value)

    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM languages") == 1


async def test_a_deeply_nested_value_in_an_unknown_field_is_refused(app: RunningApp) -> None:
    deep = b'{"x":' * 400 + b"1" + b"}" * 400
    body = json.dumps(CREDENTIALS).encode()[:-1] + b', "extra": ' + deep + b"}"

    assert (await app.client().post("/api/session", content=body, headers=JSON)).status_code in (400, 422)


async def test_thousands_of_unknown_fields_get_a_bounded_answer(app: RunningApp) -> None:
    body = {**CREDENTIALS, **{f"field{number}": 1 for number in range(4_000)}}

    answer = await app.client().post("/api/session", content=json.dumps(body).encode(), headers=JSON)

    assert answer.status_code in (413, 422)
    assert len(answer.content) < 1_000_000


async def test_a_field_that_is_sent_twice_has_one_value_for_checks_and_for_use(app: RunningApp) -> None:
    await app.user()
    await app.user("eve@example.org", secret="nine quiet herons over water")
    body = b'{"method":"password","email":"ada@example.org","email":"eve@example.org","secret":"%s"}' % SECRET.encode()

    answer = await app.client().post("/api/session", content=body, headers=JSON)

    assert answer.status_code == 401

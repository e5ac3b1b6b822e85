"""Mail link scanners: a mail filter opens or inspects every link, and consumes the key before its reader does."""

import pytest

from tests.support.app import RunningApp
from tests.support.mailbox import mailed, redeem, text_of, token_in


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_safe_method_consumes_no_key(app: RunningApp, method: str) -> None:
    await app.user()
    message = await mailed(app, "sign_in")
    token = token_in(message)
    scanner = app.client(**{"User-Agent": "link-scanner"})

    for path in ("/redeem", "/api/keys/redeem", "/api/keys/inspect", "/api/session", "/api/keys"):
        for query in ({}, {"token": token}, {"method": "link", "token": token}):
            answer = await scanner.request(method, path, params=query)
            assert "set-cookie" not in answer.headers

    assert (await redeem(app.client(), token=token)).status_code == 201


async def test_inspecting_a_link_consumes_no_key(app: RunningApp) -> None:
    await app.user()
    token = token_in(await mailed(app, "sign_in"))
    scanner = app.client()

    for _ in range(10):
        answer = await scanner.post("/api/keys/inspect", json={"token": token})
        assert (answer.status_code, answer.json()["purpose"]) == (200, "sign_in")
        assert "set-cookie" not in answer.headers

    assert (await redeem(app.client(), token=token)).status_code == 201


async def test_the_token_is_in_the_url_fragment_which_browsers_do_not_send(app: RunningApp) -> None:
    await app.user()

    text = text_of(await mailed(app, "sign_in"))

    assert f"{app.settings.public_url}/redeem#token=osk_" in text
    assert "?token=" not in text

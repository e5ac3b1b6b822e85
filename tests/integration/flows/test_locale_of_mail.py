"""The language of a requested mail: the user's own, else the one that the request asks for."""

import pytest

from tests.support.app import RunningApp, field_errors
from tests.support.mailbox import ask, mailed

ADDRESS = "grace@example.org"


@pytest.mark.parametrize("purpose", ["sign_up", "sign_in"])
async def test_mail_to_an_address_without_an_account_is_in_the_language_asked_for(
    open_app: RunningApp, purpose: str
) -> None:
    message = await mailed(open_app, purpose, ADDRESS, locale="de-AT")
    assert message["Content-Language"] == "de"
    assert (await mailed(open_app, purpose, "eve@example.org"))["Content-Language"] == "en"


async def test_the_notice_that_sign_up_is_closed_is_in_the_language_asked_for(app: RunningApp) -> None:
    assert (await mailed(app, "sign_up", ADDRESS, locale="de"))["Content-Language"] == "de"


@pytest.mark.parametrize(("own", "mail"), [("en", "en"), (None, "de")])
async def test_mail_to_a_user_is_in_their_own_language_if_they_have_one(
    app: RunningApp, own: str | None, mail: str
) -> None:
    user = await app.signed_in(ADDRESS)
    assert (await user.patch("/api/users/me", json={"locale": own})).status_code == 200
    assert (await mailed(app, "sign_in", ADDRESS, locale="de"))["Content-Language"] == mail


@pytest.mark.parametrize("locale", ["de_DE", "", "a" * 36, "de\n"])
async def test_a_locale_that_is_no_language_tag_is_refused(app: RunningApp, locale: str) -> None:
    assert field_errors(await ask(app.client(), "sign_in", locale=locale)).keys() == {"locale"}


@pytest.mark.parametrize(
    ("accepted", "sent", "mail"), [("de-CH,en;q=0.5", {}, "de"), ("de", {"locale": "en"}, "en"), ("fr", {}, "en")]
)
async def test_a_request_without_a_locale_asks_for_the_language_that_the_browser_accepts(
    open_app: RunningApp, accepted: str, sent: dict[str, str], mail: str
) -> None:
    await ask(open_app.client(**{"Accept-Language": accepted}), "sign_in", ADDRESS, **sent)
    (message,) = await open_app.mails()
    assert message["Content-Language"] == mail


@pytest.mark.parametrize("path", ["/api/users", "/api/languages/de/members"])
async def test_an_invitation_is_in_the_locale_that_the_inviter_names(app: RunningApp, path: str) -> None:
    await app.language("de")
    root = await app.signed_in("root@example.org", admin=True)
    name = {"name": "Grace"} if path == "/api/users" else {}

    answer = await root.post(path, json={"email": ADDRESS, "locale": "de-AT", **name})
    user_id = answer.json().get("id") or answer.json()["userId"]
    app.clock.forward(minutes=2)
    await root.post(f"/api/users/{user_id}/invitation")

    assert [message["Content-Language"] for message in await app.mails()] == ["de", "de"]
    refused = await root.post(path, json={"email": "eve@example.org", "locale": "de_AT", **name})
    assert field_errors(refused) == {"locale": "invalid"}


@pytest.mark.parametrize(("own", "mail"), [("en", "en"), (None, "de")])
async def test_a_notice_to_an_added_user_is_in_the_named_locale_if_they_have_none_and_changes_nothing(
    app: RunningApp, own: str | None, mail: str
) -> None:
    await app.language("de")
    grace = await app.signed_in(ADDRESS)
    await grace.patch("/api/users/me", json={"locale": own})
    root = await app.signed_in("root@example.org", admin=True)

    await root.post("/api/languages/de/members", json={"email": ADDRESS, "locale": "de"})

    assert [message["Content-Language"] for message in await app.mails()] == [mail]
    assert (await grace.get("/api/users/me")).json()["locale"] == own

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

"""Open redirect: a request for a key plants a page of the attacker's as the place to which its link leads back."""

import pytest

from tests.support.app import RunningApp, field_errors, problem
from tests.support.mailbox import ask, is_accepted, mailed, redeem, text_of, token_in

OWN = "http://127.0.0.1:8000"
FOREIGN = [
    "https://evil.example",
    "//evil.example/welcome",
    "/welcome",
    "welcome",
    "",
    "javascript:alert(1)",
    "data:text/html,hello",
    "http:127.0.0.1:8000/welcome",
    "http:/127.0.0.1:8000/welcome",
    "http:///127.0.0.1:8000/welcome",
    "http://127.0.0.1:8000@evil.example/",
    "http://127.0.0.1:8000:@evil.example/",
    "http://user@127.0.0.1:8000/",
    "http://user:secret@127.0.0.1:8000/",
    "http://@127.0.0.1:8000/",
    "http://127.0.0.1:8000\\@evil.example/",
    "http://127.0.0.1:8000\\.evil.example/",
    "http:\\\\127.0.0.1:8000\\welcome",
    "http://evil.example\\@127.0.0.1:8000/",
    "http://evil.example#@127.0.0.1:8000/",
    "http://evil.example?@127.0.0.1:8000/",
    "http://127.0.0.1:8001/",
    "http://127.0.0.1:80000/",
    "http://127.0.0.1:8000.evil.example/",
    "http://127.0.0.1/",
    "http://127.1:8000/",
    "http://2130706433:8000/",
    "http://127.0.0.1%3A8000/",
    "http://127.0.0.1:8000%2f@evil.example/",
    "http://127.0.0.1:8000%00.evil.example/",
    "http%3A//127.0.0.1:8000/",
    "https://127.0.0.1:8000/",
    "HTTP://127.0.0.1:8000/",
    " http://127.0.0.1:8000/",
    "http://127.0.0.1:8000/ ",
    "http://127.0.0.1:8000/a b",
    "http://127.0.0.1:8000/\tb",
    "ht\ntp://127.0.0.1:8000/",
    "http://127.0.0.1:8000/\r\nSet-Cookie: a=b",
    "http://127.0.0.1:8000/\x7f",
    "http://127.0.0.1:8000/wëlcome",
    "http://\uff11\uff12\uff17.0.0.1:8000/",
    "http://[127.0.0.1]:8000/",
    "http://[127.0.0.1:8000/",
]
ALLOWED = [
    OWN,
    f"{OWN}/",
    f"{OWN}/languages/de?tab=members&next=//evil.example#top",
    f"{OWN}?next=https://evil.example",
    f"{OWN}#@evil.example",
    f"{OWN}/@evil.example/%2f%5c",
    "http://localhost:8000/welcome",
]


@pytest.mark.parametrize("url", FOREIGN)
async def test_a_request_for_a_key_leads_back_to_no_page_of_another_origin(app: RunningApp, url: str) -> None:
    answer = await ask(app.client(), "sign_in", returnTo=url)
    assert field_errors(answer) == {"returnTo": "invalid"}
    assert "evil" not in str(problem(answer)["errors"])


async def test_a_page_to_lead_back_to_has_at_most_2000_characters(app: RunningApp) -> None:
    assert is_accepted(await ask(app.client(), "sign_in", returnTo=f"{OWN}/".ljust(2000, "a")))
    assert field_errors(await ask(app.client(), "sign_in", returnTo=f"{OWN}/".ljust(2001, "a"))) == {
        "returnTo": "too_long"
    }


@pytest.mark.parametrize("url", ALLOWED)
async def test_a_link_leads_back_to_the_page_of_an_allowed_origin_that_the_request_named(
    app: RunningApp, url: str
) -> None:
    await app.user()
    message = await mailed(app, "sign_in", returnTo=url)
    assert url not in text_of(message), "the link itself carries no page: it could be changed"
    token = token_in(message)
    inspected = (await app.client().post("/api/keys/inspect", json={"token": token})).json()
    assert inspected["returnTo"] == url
    answer = await redeem(app.client(), token=token)
    assert (answer.status_code, answer.json()["returnTo"]) == (201, url)


async def test_nobody_who_redeems_a_key_can_name_another_page(app: RunningApp) -> None:
    await app.user()
    token = token_in(await mailed(app, "sign_in", returnTo=f"{OWN}/welcome"))
    refused = await redeem(app.client(), token=token, returnTo="https://evil.example")
    assert field_errors(refused) == {"returnTo": "unknown_field"}
    changed = await redeem(app.client(), token=f"{token}&returnTo=https://evil.example")
    assert field_errors(changed) == {"token": "invalid_token"}

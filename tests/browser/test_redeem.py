"""Mailed links of all purposes, and the setup link: each opens a page with a button, and a button consumes the key."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.gallery import ADDRESS, fresh_token, language_invitation, open_link, press, sign_in_with_cookie
from tests.support.app import SECRET
from tests.support.browser import Served, Watched
from tests.support.mailbox import token_in

NEW_SECRET = "nine quiet herons over water"


async def who_is(page: Page) -> str | None:
    """The address of who is signed in."""
    user = (await (await page.request.get("/api/session")).json())["user"]
    return user["email"] if user else None


async def test_the_setup_link_makes_the_first_admin_without_curl(served: Served, person: Watched) -> None:
    page = await open_link(person, await served.app.setup_token())
    await expect(page).to_have_title("Set up Ostiary - Ostiary")
    await page.get_by_label("Email address").fill("grace@example.org")
    await page.get_by_label("Name").fill("Grace")
    await page.get_by_label("New password", exact=True).fill(SECRET)
    await press(page)
    session = await (await page.request.get("/api/session")).json()
    assert (session["user"]["email"], session["user"]["platformRole"]) == ("grace@example.org", "admin")


async def test_a_sign_in_link_signs_in_by_its_button(served: Served, person: Watched) -> None:
    page = await open_link(person, await fresh_token(served.app))
    await expect(page.get_by_text(ADDRESS)).to_be_visible()
    assert await who_is(page) is None
    await press(page)
    assert await who_is(page) == ADDRESS


async def test_a_reset_link_sets_a_new_password(served: Served, person: Watched) -> None:
    page = await open_link(person, await fresh_token(served.app, "password_reset"))
    await page.get_by_label("New password", exact=True).fill(NEW_SECRET)
    await press(page)
    assert await who_is(page) == ADDRESS
    answer = await served.app.client(Origin=served.url).post(
        "/api/session", json={"method": "password", "email": ADDRESS, "secret": NEW_SECRET}
    )
    assert answer.status_code == 201


async def test_an_invitation_says_by_whom_and_to_which_language(served: Served, person: Watched) -> None:
    page = await open_link(person, await language_invitation(served))
    await expect(page.locator("main")).to_contain_text(
        "Grace Hopper invites ada@example.org to Ostiary, for the language Tok Pisin."
    )
    await page.get_by_label("Name").fill("Ada")
    await page.get_by_label("New password", exact=True).fill(SECRET)
    await press(page)
    assert await who_is(page) == ADDRESS


async def test_an_undo_link_gives_the_address_back(served: Served, person: Watched) -> None:
    user_id = await served.app.user(ADDRESS)
    client = served.app.with_cookie(await served.app.token(user_id))
    client.headers["Origin"] = served.url
    asked = await client.post("/api/keys", json={"purpose": "email_change", "email": "new@example.org"})
    code = (await served.app.mails())[-1]["Subject"].split()[0]
    body = {"purpose": "email_change", "email": "new@example.org", "code": code, "flow": asked.json()["flow"]}
    assert (await client.post("/api/keys/redeem", json=body)).status_code == 201
    undo = [mail for mail in await served.app.mails() if mail["To"] == ADDRESS][-1]

    page = await open_link(person, token_in(undo))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Undo the change of your address")
    await press(page)
    assert await who_is(page) == ADDRESS


async def test_a_sign_up_link_makes_an_account_with_the_required_profile(
    open_served: Served, newcomer: Watched
) -> None:
    app = open_served.app
    await app.client(Origin=open_served.url).post("/api/keys", json={"purpose": "sign_up", "email": ADDRESS})
    page = await open_link(newcomer, token_in((await app.mails())[-1]))
    await page.get_by_label("Name").fill("Ada")
    await page.get_by_label("Country").select_option("DE")
    await page.get_by_label("Phone number", exact=True).fill("0151 12345678")
    await press(page)
    user = (await (await page.request.get("/api/session")).json())["user"]
    assert (user["phone"], user["onboardedAt"] is not None) == ("+4915112345678", True)


async def test_a_used_link_tells_its_signed_in_owner_that_all_is_well(served: Served, person: Watched) -> None:
    token = await fresh_token(served.app)
    await press(await open_link(person, token))
    page = await open_link(person, token)
    await expect(page.get_by_role("heading", level=1)).to_have_text("You are in already")


async def test_a_dead_link_offers_a_new_one(served: Served, person: Watched) -> None:
    token = await fresh_token(served.app)
    served.app.clock.forward(hours=1)
    page = await open_link(person, token)
    await expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work")
    await page.get_by_label("Email address").fill(ADDRESS)
    await page.get_by_role("button", name="Email me a new link", exact=True).click()
    await page.wait_for_url("**/code")
    await press(await open_link(person, token_in((await served.app.mails())[-1])))
    assert await who_is(page) == ADDRESS


async def test_somebody_else_who_is_signed_in_is_told_so_and_asked(served: Served, person: Watched) -> None:
    await sign_in_with_cookie(served, person, "bob@example.org")
    page = await open_link(person, await language_invitation(served))
    await expect(page.get_by_text("You are signed in as bob@example.org.")).to_be_visible()
    assert await who_is(page) == "bob@example.org"
    await page.get_by_label("Name").fill("Ada")
    await page.get_by_label("New password", exact=True).fill(SECRET)
    await press(page)
    assert await who_is(page) == ADDRESS


@pytest.mark.parametrize("pasted", ["{token}", " {token} ", "http://localhost:8000/redeem#token={token}"])
async def test_a_token_can_be_pasted(served: Served, person: Watched, pasted: str) -> None:
    token = await fresh_token(served.app)
    page = await person.page()
    await page.goto("/redeem")
    await page.get_by_label("Link, or the text below it").fill(pasted.format(token=token))
    await press(page)
    await press(page)
    assert await who_is(page) == ADDRESS


async def test_a_mangled_link_leads_to_the_field_to_paste_it(person: Watched) -> None:
    page = await person.page()
    async with page.expect_navigation(url="**/redeem?paste"):
        await page.goto("/redeem#token=osk_broken")
    await expect(page.get_by_label("Link, or the text below it")).to_be_visible()


async def test_the_token_of_a_link_is_nowhere_in_the_history(served: Served, person: Watched) -> None:
    token = await fresh_token(served.app)
    page = await open_link(person, token)
    session = await person.context.new_cdp_session(page)
    history = await session.send("Page.getNavigationHistory")
    assert token not in str(history)
    assert all(token not in url for url in person.requests)

"""Attack: a code in another case passes the guard of one language, and reaches another one or none."""

import httpx
import pytest

from tests.support.app import RunningApp, id_of, problem
from tests.support.translations import NEW

SPELLINGS = ["pt-BR", "pt-br", "PT-BR", "Pt-bR", "pt%2DBR"]


async def languages(app: RunningApp) -> None:
    for code in ("pt", "pt-BR", "pt-PT"):
        await app.language(code, f"Name of {code}")


async def answers(client: httpx.AsyncClient, code: str) -> list[int]:
    """The status of a request to each kind of route that names the language."""
    path = f"/api/languages/{code}"
    member = f"{path}/members/00000000-0000-4000-8000-000000000000"
    responses = [
        await client.get(path),
        await client.patch(path, json={"name": "Changed"}),
        await client.get(f"{path}/members"),
        await client.put(member, json={"roles": []}),
        await client.get(f"{path}/translations"),
        await client.put(f"{path}/translations/k", json={"text": "x"}, headers=NEW),
        await client.get(f"{path}/translations/k"),
        await client.delete(f"{path}/translations/k", headers={"If-Match": '"1"'}),
        await client.delete(path),
    ]
    return [response.status_code for response in responses]


@pytest.mark.parametrize("code", SPELLINGS)
async def test_every_spelling_is_decided_and_acts_as_the_canonical_one(app: RunningApp, code: str) -> None:
    await languages(app)
    reader = await app.signed_in_member("pt-BR", email="reader@example.org")
    assert await answers(reader, code) == [200, 403, 200, 403, 200, 403, 404, 403, 403]
    translator = await app.signed_in_member("pt-BR", "translator", email="translator@example.org")
    assert await answers(translator, code) == [200, 403, 200, 403, 200, 201, 200, 204, 403]
    admin = await app.signed_in_member("pt-BR", "admin", email="admin@example.org")
    assert await answers(admin, code) == [200, 200, 200, 404, 200, 403, 404, 403, 403]
    stranger = await app.signed_in_member("pt-PT", "admin", "translator", email="stranger@example.org")
    assert await answers(stranger, code) == [403] * 9
    assert set(await answers(app.client(), code)) == {401}
    names = await app.resources.database.pool.fetch("SELECT code, name FROM languages ORDER BY code")
    assert [tuple(row) for row in names] == [("pt", "Name of pt"), ("pt-BR", "Changed"), ("pt-PT", "Name of pt-PT")]


async def test_the_answer_shows_the_canonical_code(app: RunningApp) -> None:
    await languages(app)
    translator = await app.signed_in_member("pt-BR", "translator")
    assert (await translator.get("/api/languages/PT-br")).json()["code"] == "pt-BR"
    written = await translator.put("/api/languages/pt-br/translations/k", json={"text": "x"}, headers=NEW)
    assert written.headers["location"] == "/api/languages/pt-BR/translations/k"


async def test_a_membership_that_a_path_in_another_case_makes_or_ends_is_one_of_the_language(app: RunningApp) -> None:
    await languages(app)
    admin = await app.signed_in(admin=True)
    eve = await app.signed_in("eve@example.org")
    sent = {"email": "eve@example.org", "roles": ["translator"]}
    assert (await admin.post("/api/languages/PT-br/members", json=sent)).status_code == 202
    assert problem(await admin.post("/api/languages/pt-BR/members", json=sent))["code"] == "already_member"
    assert (await eve.get("/api/languages/pt-BR")).status_code == 200
    assert (await admin.delete(f"/api/languages/pt-bR/members/{await id_of(eve)}")).status_code == 204
    assert (await eve.get("/api/languages/pt-br")).status_code == 403


@pytest.mark.parametrize("code", ["qq", "pt_BR", "pt-BR-", "de", "p\u0131", "%E2%84%AAo", "PT-BR%00"])
async def test_a_code_that_names_no_language_is_refused_as_before(app: RunningApp, code: str) -> None:
    await languages(app)
    member = await app.signed_in_member("pt-BR", "admin")
    admin = await app.signed_in("root@example.org", admin=True)
    assert (await member.get(f"/api/languages/{code}")).status_code in {400, 403}
    assert (await admin.get(f"/api/languages/{code}")).status_code in {400, 404}


async def test_a_question_to_the_policy_may_name_a_language_in_another_case(app: RunningApp) -> None:
    await languages(app)
    eve = await app.signed_in_member("pt-BR", "translator", email="eve@example.org")
    admin = await app.signed_in(admin=True)
    question = {"action": "translate", "subjectType": "Language", "userId": await id_of(eve), "id": "PT-br"}
    assert (await admin.post("/api/policy/explain", json=question)).json()["allowed"] is True

"""The list of users, for platform admins: its pages, its search and its filters."""

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from tests.support.app import RunningApp, field_errors, items, pages


@pytest.fixture
async def root(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin."""
    return await app.signed_in("root@example.org", admin=True, name="Root")


async def emails(client: httpx.AsyncClient, **filters: str | int) -> list[str]:
    """The addresses on all pages of the list of users."""
    return [user["email"] for user in await items(client, "/api/users", **filters)]


async def test_a_platform_admin_lists_all_users_and_nobody_else_does(app: RunningApp, root: httpx.AsyncClient) -> None:
    ada = await app.signed_in()
    assert await emails(root) == ["root@example.org", "ada@example.org"]
    assert [(await ada.get("/api/users", params=sent)).status_code for sent in ({}, {"search": "ada"})] == [403, 403]


async def test_the_pages_contain_every_user_once_oldest_first(app: RunningApp, root: httpx.AsyncClient) -> None:
    for number in range(6):
        await app.user(f"user{number}@example.org")
    found = await pages(root, "/api/users", limit=3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert [user["email"] for page in found for user in page][1:] == [
        f"user{number}@example.org" for number in range(6)
    ]


async def test_users_are_searched_by_a_part_of_address_or_name(app: RunningApp, root: httpx.AsyncClient) -> None:
    await app.user("ada@example.org", name="Ada Lovelace")
    await app.user("eve_1@example.com", name="100% Eve")
    await app.user("evex1@example.com", name="Ève")
    assert await emails(root, search="LOVE") == ["ada@example.org"]
    assert await emails(root, search="eve_") == ["eve_1@example.com"]
    assert await emails(root, search="0%") == ["eve_1@example.com"]
    assert await emails(root, search="\\") == []
    assert await emails(root, search="Èv") == await emails(root, search="èV") == ["evex1@example.com"]
    assert await emails(root, search="@example.com", limit=1) == ["eve_1@example.com", "evex1@example.com"]
    assert len(await emails(root, search="")) == 4


@pytest.mark.parametrize("name", ["Jos\u00e9 Stra\u00dfer", "JOSE\u0301 STRASSER", "jos\u00e9 strasser"])
async def test_users_are_found_whatever_the_case_and_normal_form(
    app: RunningApp, root: httpx.AsyncClient, name: str
) -> None:
    user_id = await app.user("Jos\u00e9@example.org")
    await app.user("joseph@example.org", name="Joseph")
    for search in ("jos\u00e9", "JOSE\u0301", "JOS\u00c9@EXAMPLE"):
        assert await emails(root, search=search) == ["Jos\u00e9@example.org"]
    await root.patch(f"/api/users/{user_id}", json={"name": name})
    for search in ("STRASSE", "stra\u00dfe", "\u00c9 s", "E\u0301 S"):
        assert await emails(root, search=search) == ["Jos\u00e9@example.org"]


async def test_users_are_filtered_by_status_and_role(app: RunningApp, root: httpx.AsyncClient) -> None:
    await app.user("ada@example.org")
    await suspend_user(OPERATOR, app.resources, await app.user("eve@example.org"))
    assert await emails(root, status="suspended") == ["eve@example.org"]
    assert await emails(root, status="active") == ["root@example.org", "ada@example.org"]
    assert await emails(root, role="admin") == ["root@example.org"]
    assert await emails(root, role="admin", status="suspended") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "deleted"), ("role", "user"), ("search", "x" * 201), ("limit", "0"), ("cursor", "x")],
)
async def test_a_malformed_filter_is_a_422(root: httpx.AsyncClient, field: str, value: str) -> None:
    assert field_errors(await root.get("/api/users", params={field: value})).keys() == {field}

"""Privilege escalation by the forms of the console: each needs the right of its operation, on its own language."""

import pytest

from tests.support.app import RunningApp, id_of, is_signed_in

ROLES = [(), ("translator",), ("admin",)]


@pytest.mark.parametrize("roles", ROLES)
async def test_nobody_but_a_platform_admin_administers_users(app: RunningApp, roles: tuple[str, ...]) -> None:
    await app.language("de")
    attacker, victim = await app.signed_in_member("de", *roles), await app.signed_in("bob@example.org")
    for user_id in (await id_of(victim), await id_of(attacker)):
        for form in ("role", "suspend", "restore", "end-sessions", "invite"):
            answer = await attacker.post(f"/admin/users/{user_id}/{form}", data={"role": "admin"})
            assert answer.status_code == 403
    assert (await attacker.post(f"/admin/users/{await id_of(victim)}/delete")).status_code == 403
    assert await is_signed_in(victim)
    for page in ("users", "policy", "audit", "jobs"):
        assert (await attacker.get(f"/admin/{page}")).status_code == 403


@pytest.mark.parametrize("roles", ROLES)
async def test_a_language_of_others_is_closed(app: RunningApp, roles: tuple[str, ...]) -> None:
    await app.language("de")
    await app.language("fr", "French")
    attacker = await app.signed_in_member("de", *roles)
    for path in ("", "/members", "/translations", "/translations/edit?key=k"):
        assert (await attacker.get(f"/admin/languages/fr{path}")).status_code == 403
    for form in ("change", "delete", "members/add", "translations/edit", "translations/delete"):
        sent = {"email": "eve@example.org", "roles": "admin", "name": "X", "key": "k", "text": "x", "version": ""}
        assert (await attacker.post(f"/admin/languages/fr/{form}", data=sent)).status_code == 403


async def test_a_platform_admin_does_not_translate(app: RunningApp) -> None:
    await app.language("de")
    admin = await app.signed_in(admin=True)
    form = {"key": "k", "version": "", "text": "x", "state": "approved"}
    assert (await admin.post("/admin/languages/de/translations/edit", data=form)).status_code == 403
    assert "<textarea" not in (await admin.get("/admin/languages/de/translations")).text

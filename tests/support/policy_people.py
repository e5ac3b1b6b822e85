"""Users in the database who match the principals named in tests/policy.yaml."""

from uuid import UUID

from app.audit import OPERATOR
from app.domain.flows.administer_users import suspend_user
from app.guards.policy_expectations import principal_described_by
from tests.support.app import RunningApp


async def person(app: RunningApp, who: str, email: str, secret: str | None = None) -> tuple[UUID, str]:
    """Create the user whom `who` describes; the languages in `who` must exist. Returns user id and session token.

    Of a service account it is an API key.
    """
    wanted = principal_described_by(who)
    onboarded = wanted.user is None or wanted.user.onboarded_at is not None
    admin = wanted.user is not None and wanted.user.platform_role == "admin"
    if wanted.user is not None and wanted.user.kind == "service":
        account_id = await app.service_account()
        for membership in wanted.memberships:
            await app.member(account_id, membership.language, *membership.roles)
        return account_id, await app.api_key(account_id)
    user_id = await app.user(email, secret=secret, admin=admin, onboarded=onboarded)
    for membership in wanted.memberships:
        await app.member(user_id, membership.language, *membership.roles)
    token = await app.token(user_id, admin=admin)
    if who == "suspended":
        await suspend_user(OPERATOR, app.resources, user_id)
    return user_id, token

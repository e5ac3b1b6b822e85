"""`password_reset`: a link and a code that set a new secret."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.flows.purpose import IssueKey, KeyRequest, OneTimeCode, Purpose, issue_to
from app.domain.flows.reset_password import reset_password
from app.domain.flows.verify_email import user_of_address
from app.domain.resources import Resources


async def _request(_: Resources, transaction: AsyncSession, request: KeyRequest) -> IssueKey | None:
    return issue_to(await user_of_address(transaction, request.address), "password_reset")


PURPOSE = Purpose(
    name="password_reset",
    request=_request,
    redeem=reset_password,
    code=OneTimeCode(lifetime=timedelta(minutes=10), attempts=5),
    link_lifetime=lambda _: timedelta(hours=1),
    needs=lambda _settings, _key: ("secret",),
    enabled=lambda settings: settings.passwords,
)

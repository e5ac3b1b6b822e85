"""`sign_in`: a code and a link that start a session for the user of the address."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.flows.purpose import IssueKey, KeyRequest, OneTimeCode, Purpose, issue_to
from app.domain.flows.verify_email import sign_in_by_email, user_of_address
from app.domain.resources import Resources

NAME = "sign_in"


async def _request(_: Resources, transaction: AsyncSession, request: KeyRequest) -> IssueKey | None:
    return issue_to(await user_of_address(transaction, request.address), "sign_in")


PURPOSE = Purpose(
    name=NAME,
    request=_request,
    redeem=sign_in_by_email,
    code=OneTimeCode(lifetime=timedelta(minutes=10), attempts=5),
    link_lifetime=lambda _: timedelta(minutes=10),
    enabled=lambda settings: settings.codes,
)

"""`email_change`: a code to the new address that gives the account this address."""

from datetime import timedelta

from app.domain.flows.change_email import change_email, request_email_change
from app.domain.flows.purpose import OneTimeCode, Purpose

PURPOSE = Purpose(
    name="email_change",
    request=request_email_change,
    redeem=change_email,
    code=OneTimeCode(lifetime=timedelta(minutes=10), attempts=5),
    for_users=True,
)

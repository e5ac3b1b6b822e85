"""`sign_in`: a code and a link that start a session for the user of the address."""

from datetime import timedelta

from app.domain.flows.purpose import OneTimeCode, Purpose
from app.domain.flows.verify_email import key_for_user, sign_in_by_email

NAME = "sign_in"


PURPOSE = Purpose(
    name=NAME,
    request=key_for_user("sign_in"),
    redeem=sign_in_by_email,
    code=OneTimeCode(lifetime=timedelta(minutes=10), attempts=5),
    link_lifetime=lambda _: timedelta(minutes=10),
    enabled=lambda settings: settings.codes,
)

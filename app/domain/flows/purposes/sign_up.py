"""`sign_up`: a code and a link that make the holder of an address a user."""

from datetime import timedelta

from app.domain.flows.purpose import OneTimeCode, Purpose
from app.domain.flows.sign_up import request_sign_up, sign_up

PURPOSE = Purpose(
    name="sign_up",
    request=request_sign_up,
    redeem=sign_up,
    code=OneTimeCode(lifetime=timedelta(minutes=10), attempts=5),
    link_lifetime=lambda _: timedelta(minutes=10),
    optional=("name", "phone", "locale"),
    # Without codes nobody can sign up, and the requester is told so by mail.
    enabled=lambda settings: settings.codes or settings.sign_up != "open",
)

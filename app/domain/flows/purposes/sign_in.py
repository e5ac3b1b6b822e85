"""`sign_in`: a code and a link that start a session for the user of the address.

Where sign-up is open, they make the holder of an address without an account a user.
"""

from datetime import timedelta

from app.domain.flows.purpose import OneTimeCode, Purpose
from app.domain.flows.sign_up import request_sign_in, sign_up

NAME = "sign_in"


PURPOSE = Purpose(
    name=NAME,
    request=request_sign_in,
    redeem=sign_up,
    code=OneTimeCode(lifetime=timedelta(minutes=10), attempts=5),
    link_lifetime=lambda _: timedelta(minutes=10),
    enabled=lambda settings: settings.codes,
)

"""`password_reset`: a link and a code that set a new secret."""

from datetime import timedelta

from app.domain.flows.purpose import OneTimeCode, Purpose
from app.domain.flows.reset_password import reset_password
from app.domain.flows.verify_email import key_for_user

PURPOSE = Purpose(
    name="password_reset",
    request=key_for_user("password_reset"),
    redeem=reset_password,
    code=OneTimeCode(lifetime=timedelta(minutes=10), attempts=5),
    link_lifetime=lambda _: timedelta(hours=1),
    needs=lambda _settings, _key: ("secret",),
    enabled=lambda settings: settings.passwords,
)

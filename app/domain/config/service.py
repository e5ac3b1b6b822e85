"""What a deployment offers, from its settings and the declarations of purposes and sign-in methods."""

from app.auth.passwords.rules import MAX_LENGTH
from app.auth.tokens import CODE_DIGITS
from app.domain.config.schemas import Lifetimes, PasswordRules, ProfileField, ServiceConfig
from app.domain.flows.mail_budget import RESEND_AFTER
from app.domain.flows.purpose_registry import PURPOSES
from app.domain.flows.sign_in_registry import METHODS
from app.domain.resources import Resources
from app.domain.sessions.change_events import offers_events
from app.domain.users.fields import FORMATS
from app.settings.mailbox import service_name
from app.words.catalogue import locales


def service_config(resources: Resources) -> ServiceConfig:
    """What a front end must know before anybody signs in. It has no secret and nothing about users."""
    settings = resources.settings
    purposes = [purpose for purpose in PURPOSES.values() if purpose.enabled(settings)]
    codes = {item.name: int(item.code.lifetime.total_seconds()) for item in purposes if item.code}
    links = {item.name: int(item.link_lifetime(settings).total_seconds()) for item in purposes if item.link_lifetime}
    return ServiceConfig(
        name=service_name(settings),
        sign_in_methods=sorted(method.name for method in METHODS if method.enabled(settings)),
        sign_up=settings.sign_up,
        required_profile_fields=[
            ProfileField(name, "string", FORMATS[name]) for name in settings.required_profile_fields
        ],
        password=PasswordRules(settings.password_min_length, MAX_LENGTH) if settings.passwords else None,
        code_digits=CODE_DIGITS if codes else None,
        lifetimes=Lifetimes(codes, links, int(RESEND_AFTER.total_seconds()), settings.step_up_seconds),
        locales=list(locales()),
        session_events=offers_events(resources),
    )

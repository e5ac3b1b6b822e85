"""What controllers read from a request: who acts, and which user a path names."""

from uuid import UUID

from app.audit import Actor
from app.auth.middleware import TOKENS_TO_END
from app.auth.principal import PrincipalSession, PrincipalUser
from app.errors import Problem, SubjectNotFound
from app.guards.authorize import Request, resolve_me
from app.words.accept_language import accepted_locale


def actor_of(request: Request) -> Actor:
    """Who acts. Behind a trusted proxy, `ip` is the address that the proxy reports."""
    user, session, key = request.user.user, request.user.session, request.user.key
    return Actor(
        user_id=user.id if user else None,
        session_id=session.id if session else None,
        ip=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent"),
        token=request.auth,
        # HTTP/2 clients may send several (RFC 9113 section 8.2.3).
        cookies="; ".join(request.headers.getall("cookie", [])) or None,
        presented=request.scope["state"].get(TOKENS_TO_END, ()),
        key_id=key.id if key else None,
    )


def accepted_locale_of(request: Request) -> str | None:
    """The locale that the request asks for by `Accept-Language`; None if it asks for none."""
    return accepted_locale(", ".join(request.headers.getall("accept-language", [])))


def user_and_session(request: Request) -> tuple[PrincipalUser, PrincipalSession]:
    """The signed-in user and their session. Raises `Problem`: `not_signed_in`, `session_required` for an API key."""
    user, session = request.user.user, request.user.session
    if request.user.key is not None:
        raise Problem("session_required", "An API key has no session.")
    if user is None or session is None:
        raise Problem("not_signed_in")
    return user, session


def user_id_in_path(request: Request, raw: str) -> UUID:
    """The user id that a path parameter stands for; `me` is the caller. Raises `SubjectNotFound` for other text."""
    try:
        return UUID(resolve_me(request, raw))
    except ValueError:
        raise SubjectNotFound from None

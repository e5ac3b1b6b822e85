"""Setting or changing one's password while signed in."""

from urllib.parse import urlsplit

from app.audit import Actor
from app.auth.email_addresses import normalise
from app.auth.passwords import rules
from app.auth.passwords.queue import HashClient
from app.auth.principal import PrincipalUser
from app.domain.flows.revoke_access import revoke_access
from app.domain.keys.service import set_secret
from app.domain.resources import Resources
from app.domain.sessions.service import StartedSession, renew_session
from app.domain.users.repository import UserRepository
from app.errors import Problem
from app.rate_limits import client_network
from app.settings.mailbox import mailbox_of
from app.settings.model import Settings


async def set_password(actor: Actor, resources: Resources, user: PrincipalUser, secret: str) -> StartedSession:
    """Set the user's secret, and tell them by mail (OWASP ASVS 5.0, 6.3.7).

    In one transaction all other sessions and all outstanding single-use keys end, and the actor's session gets a new
    token. Raises `Problem`: `method_disabled`, `validation_failed` with the reason, `temporarily_unavailable`,
    `not_signed_in`.
    """
    require_passwords(resources)
    hashed = await hash_new_secret(actor, resources, secret, user.email, user.name)
    async with resources.database.transaction() as transaction:
        account = await UserRepository(transaction).lock(user.id)
        if account is None:
            raise Problem("not_signed_in", "This session has ended.")
        await set_secret(actor, transaction, user.id, hashed)
        now, kept = resources.clock(), actor.session_id
        await revoke_access(actor, transaction, user.id, now, "secret_changed", keep_session=kept)
        await resources.mail.enqueue(
            transaction, to=account.email, template="secret_changed", locale=account.locale, values={}
        )
        return await renew_session(actor, resources, transaction, account.platform_role)


def require_passwords(resources: Resources) -> None:
    """Raises `Problem` `method_disabled` in a deployment without passwords."""
    if not resources.settings.passwords:
        raise Problem("method_disabled", "This deployment has no passwords: sign in with a code.")


async def hash_new_secret(actor: Actor, resources: Resources, secret: str, address: str, *names: str) -> str:
    """The hash of an acceptable new secret of somebody who has proved who they are.

    `address` is the address of the account. The password must consist neither of it nor of the user's `names`.

    Secrets are hashed outside of transactions, so that no connection waits for a hash. Raises `Problem`:
    `validation_failed` with the reason, `temporarily_unavailable`.
    """
    client = HashClient(client_network(actor.ip), known=True, account=normalise(address).unique)
    acceptable = await require_acceptable(resources, client, secret, address, *names)
    return await resources.hasher.hash(acceptable, client)


async def require_acceptable(resources: Resources, client: HashClient, secret: str, *of_user: str) -> str:
    """The new secret in the form to hash. `of_user` are the address and the names of its user, as far as known.

    `client` is who waits for the estimate of its guesses. Raises `Problem` as `hash_new_secret` does.
    """
    settings = resources.settings
    minimum, words = settings.password_min_length, rules.words_of([*of_user, *_names_of_service(settings)])
    acceptable = rules.acceptable(secret, min_length=minimum, words=words)
    if why := await resources.hasher.why_guessable(acceptable, words, rules.guesses_min(minimum), client):
        raise rules.too_guessable(why)
    return acceptable


def _names_of_service(settings: Settings) -> list[str]:
    """The name of the service in its mails, and its host."""
    return [mailbox_of(settings.mail_from).display_name, urlsplit(settings.public_url).hostname or ""]

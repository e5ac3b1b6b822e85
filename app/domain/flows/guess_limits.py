"""The limits of guesses at secrets and codes: by account, device, flow, session and client network.

A guess is counted as wrong and committed before anything is compared, so that parallel guesses cannot beat a limit; a
right one is taken back. An account is an address, whether or not somebody has it, so that no answer depends on that.
OWASP: Slow Down Online Guessing Attacks with Device Cookies. NIST SP 800-63B-4 section 3.2.2.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from app.audit import Actor
from app.auth.devices import Device, known_device
from app.auth.passwords.queue import HashClient
from app.domain.resources import Resources
from app.domain.sessions.devices import presented_devices
from app.errors import Problem
from app.rate_limits import Use, client_network

# Together fewer than 100 a day. The first is for all strangers, the second for all known devices of the account.
STRANGERS = "guess_by_account_strangers"
DEVICES = "guess_by_account_devices"
# Wrong guesses of strangers in a row, until the owner proves who they are.
CONSECUTIVE = "guess_by_account_consecutive"
DEVICE = "guess_by_device"
FLOW = "guess_by_flow"
SESSION = "guess_by_session"
CLIENT = "guess_by_client"
ESTIMATE = "estimate_by_client"


class Account(Struct, frozen=True):
    """Whose secret or code is guessed, and since when device cookies of this user count."""

    user_id: UUID
    devices_since: datetime | None


class Guess(Struct, frozen=True):
    """A guess that has been counted as wrong, and who waits for its hash.

    `by_device`: a known device of the account has guessed, within its budget.
    """

    uses: tuple[Use, ...]
    address: str
    client: HashClient
    by_device: bool = False


async def count_guess(
    actor: Actor,
    resources: Resources,
    address: str,
    account: Account | None,
    *,
    flow_hash: str | None = None,
    step_up: bool = False,
) -> Guess:
    """Count a guess at the account of a normalised address, as if it were wrong. Call this before any comparison.

    A known device of the account counts in the budget of its devices, and a flow in its own: the network matters to
    neither. Past that budget it is a stranger. `flow_hash` is the hash of a live flow that this service has made for
    the address, whether or not a code was mailed: looking for the code would tell whether the address has an account.
    `step_up`: the actor proves again who they are, which their session bounds too.

    Raises `Problem` `too_many_requests`, the same for a right guess, a wrong one and an unknown account.
    """
    network, device = client_network(actor.ip), _known_device(actor, resources, account)
    session = [Use(SESSION, str(actor.session_id))] if step_up else []
    strangers = [Use(STRANGERS, address), Use(CONSECUTIVE, address), *session]
    if device is not None:
        uses = [Use(DEVICE, device.nonce), Use(DEVICES, address), *session]
        if await _counted(resources, uses):
            return Guess(tuple(uses), address, HashClient(network, known=True, account=address), by_device=True)
    client = HashClient(network, known=step_up, account=address if step_up else "")
    if flow_hash is not None:
        uses = [*strangers, Use(FLOW, flow_hash)]
        if await _counted(resources, uses):
            return Guess(tuple(uses), address, client)
    uses = [*strangers, Use(CLIENT, network)]
    await resources.rate_limits.hit_all(*uses)
    return Guess(tuple(uses), address, client)


def hash_client(actor: Actor, resources: Resources, address: str, account: Account | None) -> HashClient:
    """Who waits for the work of a hash process before a guess at the account of an address is counted."""
    device = _known_device(actor, resources, account)
    return HashClient(client_network(actor.ip), known=device is not None, account=address if device else "")


async def may_estimate(actor: Actor, resources: Resources, flow_hash: str) -> bool:
    """Whether the secret that was sent with a code is estimated before the code is compared, which is counted.

    In a flow without tries it is not, nor past the limit of the client's network, nor in a deployment without
    passwords: then a wrong code is refused without an estimate. It is the same for addresses with and without an
    account. Raises `Problem` `temporarily_unavailable`.
    """
    if not resources.settings.passwords or not await resources.rate_limits.allows(FLOW, flow_hash):
        return False
    return await _counted(resources, [Use(ESTIMATE, client_network(actor.ip))])


async def guesses_left(resources: Resources, flow_hash: str, attempts: int) -> int | None:
    """How many guesses a flow has left of its `attempts`, as far as the limits count them; None if they do not.

    It is the same for addresses with and without an account.
    """
    return await resources.rate_limits.left(Use(FLOW, flow_hash), attempts)


def take_back(resources: Resources, guess: Guess) -> None:
    """Take back a guess that was not compared, in the background."""
    resources.background.start("refund_of_guess_failed", resources.rate_limits.refund(*guess.uses))


def note_right(resources: Resources, guess: Guess) -> None:
    """Take back a right guess, and forget the account's wrong guesses in a row, in the background."""
    in_a_row = Use(CONSECUTIVE, guess.address)
    uses = [use for use in guess.uses if use != in_a_row]
    settling = resources.rate_limits.refund(*uses, forgotten=[in_a_row])
    resources.background.start("refund_of_guess_failed", settling)


def note_owner(resources: Resources, address: str) -> None:
    """Forget the account's wrong guesses in a row, in the background: its owner has proved who they are."""
    resources.background.start(
        "reset_of_guesses_failed", resources.rate_limits.refund(forgotten=[Use(CONSECUTIVE, address)])
    )


async def codes_accepted(resources: Resources, address: str) -> bool:
    """Whether a stranger's code for this address would be compared: the budget of strangers is not spent."""
    return await resources.rate_limits.allows_all(Use(STRANGERS, address), Use(CONSECUTIVE, address))


async def is_within_budget(resources: Resources, address: str, device: Device) -> bool:
    """Whether a guess on this known device would count in the budget of devices; past it, the device is a stranger."""
    return await resources.rate_limits.allows_all(Use(DEVICE, device.nonce), Use(DEVICES, address))


async def _counted(resources: Resources, uses: Sequence[Use]) -> bool:
    """Count these uses; False if one of the limits refuses."""
    try:
        await resources.rate_limits.hit_all(*uses)
    except Problem as refusal:
        if refusal.code != "too_many_requests":
            raise
        return False
    return True


def _known_device(actor: Actor, resources: Resources, account: Account | None) -> Device | None:
    # The cookie is decrypted for every account, so that the time does not tell whose it is.
    presented = presented_devices(actor, resources)
    return known_device(presented, account.user_id, account.devices_since) if account else None

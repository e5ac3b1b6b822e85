"""In which budgets a guess counts: known device, flow or stranger, with or without a session."""

from uuid import UUID

import pytest

from app.audit import Actor
from app.auth.devices import NAME, Device, seal_devices
from app.domain.flows.guess_limits import Account, Guess, codes_accepted, count_guess, is_within_budget, note_right
from app.errors import Problem
from tests.support.app import START, RunningApp
from tests.support.guesses import ADDRESS, spend

ADA, EVE, SESSION = UUID(int=1), UUID(int=2), UUID(int=3)
DEVICE = Device(ADA, "nonce", START)
NETWORK, FLOW = "192.0.2.1", "f" * 64
STRANGER = {"guess_by_account_strangers", "guess_by_account_consecutive"}
BY_DEVICE = {"guess_by_device", "guess_by_account_devices"}


def _actor(app: RunningApp, device_of: UUID | None = None) -> Actor:
    """An actor with a session, on a known device of this user."""
    devices = [Device(device_of, "nonce", app.clock())] if device_of else []
    return Actor(session_id=SESSION, ip=NETWORK, cookies=f"{NAME}={seal_devices(app.resources.secret_key, devices)}")


async def _guess(
    app: RunningApp, device_of: UUID | None = None, *, flow: bool = False, step_up: bool = False, known: bool = True
) -> Guess:
    """Guess at Ada's account, or at an unknown one."""
    actor, account = _actor(app, device_of), Account(ADA, None) if known else None
    flow_hash = FLOW if flow else None
    return await count_guess(actor, app.resources, ADDRESS, account, flow_hash=flow_hash, step_up=step_up)


def _names(guess: Guess) -> set[str]:
    return {use.name for use in guess.uses}


@pytest.mark.parametrize("step_up", [False, True])
async def test_a_guess_counts_by_device_or_by_flow_or_by_network(app: RunningApp, step_up: bool) -> None:
    session = {"guess_by_session"} if step_up else set()

    assert _names(await _guess(app, step_up=step_up)) == STRANGER | {"guess_by_client"} | session
    assert _names(await _guess(app, EVE, step_up=step_up)) == STRANGER | {"guess_by_client"} | session
    assert _names(await _guess(app, EVE, flow=True, step_up=step_up)) == STRANGER | {"guess_by_flow"} | session
    assert _names(await _guess(app, ADA, flow=True, step_up=step_up)) == BY_DEVICE | session


@pytest.mark.parametrize("known", [False, True])
async def test_a_flow_has_5_guesses_that_a_spent_network_does_not_refuse(app: RunningApp, known: bool) -> None:
    await spend(app, "guess_by_client", NETWORK)
    for _ in range(5):
        await _guess(app, flow=True, known=known)

    for flow in (True, False):
        with pytest.raises(Problem) as refused:
            await _guess(app, flow=flow, known=known)
        assert refused.value.code == "too_many_requests"
    app.clock.forward(minutes=10)
    assert "guess_by_client" in _names(await _guess(app, known=known))


async def test_past_its_budget_a_device_or_a_flow_is_a_stranger(app: RunningApp) -> None:
    await spend(app, "guess_by_device", "nonce")
    assert _names(await _guess(app, ADA, flow=True)) == STRANGER | {"guess_by_flow"}
    await spend(app, "guess_by_flow", FLOW)
    assert _names(await _guess(app, ADA, flow=True)) == STRANGER | {"guess_by_client"}


@pytest.mark.parametrize(("device_of", "flow"), [(None, False), (None, True), (ADA, False)])
async def test_a_right_guess_is_taken_back_everywhere_and_ends_the_wrong_ones_in_a_row(
    app: RunningApp, device_of: UUID | None, flow: bool
) -> None:
    for _ in range(3):
        await app.resources.rate_limits.hit("guess_by_account_consecutive", ADDRESS)
    guess = await _guess(app, device_of, flow=flow, step_up=True)
    note_right(app.resources, guess)
    await app.resources.background.flush()

    assert await app.resources.database.pool.fetchval("SELECT sum(hits) FROM rate_limits") == 0


@pytest.mark.parametrize(
    ("spent", "stranger", "device"),
    [
        ("guess_by_account_strangers", False, True),
        ("guess_by_account_consecutive", False, True),
        ("guess_by_account_devices", True, False),
        ("guess_by_client", True, True),
    ],
)
async def test_codes_are_accepted_while_the_budget_that_they_count_in_is_not_spent(
    app: RunningApp, spent: str, stranger: bool, device: bool
) -> None:
    await spend(app, spent)

    assert await codes_accepted(app.resources, ADDRESS) is stranger
    assert await is_within_budget(app.resources, ADDRESS, DEVICE) is device


async def test_a_device_that_has_guessed_wrong_too_often_is_a_stranger(app: RunningApp) -> None:
    await spend(app, "guess_by_device", DEVICE.nonce)

    assert not await is_within_budget(app.resources, ADDRESS, DEVICE)

"""`ostiary service-accounts`: users for programs, and their API keys, as the operator administers them."""

from datetime import datetime
from uuid import UUID

import click

from app.audit import OPERATOR
from app.cli.console import PAGE, row, with_resources
from app.domain.flows.administer_users import restore_user, suspend_user
from app.domain.resources import Resources
from app.domain.service_accounts import service
from app.domain.service_accounts.schemas import LIFETIME_MAX_SECONDS, NewApiKey

DAY_SECONDS = 24 * 3600


@click.group("service-accounts")
def service_accounts() -> None:
    """Administer service accounts and their API keys."""


@service_accounts.command("list")
def list_accounts() -> None:
    """List all service accounts: id, name, status and last use, separated by tabs."""

    async def run(resources: Resources) -> None:
        after: UUID | None = None
        while page := await service.list_service_accounts(resources, after, PAGE):
            for account in page:
                click.echo(row(str(account.id), account.name, account.status, _time(account.last_seen_at)))
            after = page[-1].id

    with_resources(run)


@service_accounts.command()
@click.argument("name")
def create(name: str) -> None:
    """Create a service account, and print its id."""
    account = with_resources(lambda resources: service.create_service_account(OPERATOR, resources, name))
    click.echo(str(account.id))


@service_accounts.command()
@click.argument("account_id", metavar="ID", type=click.UUID)
def suspend(account_id: UUID) -> None:
    """Suspend a service account: its keys stop working at once."""

    async def run(resources: Resources) -> None:
        await service.read_service_account(resources, account_id)
        await suspend_user(OPERATOR, resources, account_id)

    with_resources(run)
    click.echo(f"{account_id} is suspended")


@service_accounts.command()
@click.argument("account_id", metavar="ID", type=click.UUID)
def restore(account_id: UUID) -> None:
    """Undo a suspension: keys that have not expired work again."""

    async def run(resources: Resources) -> None:
        await service.read_service_account(resources, account_id)
        await restore_user(OPERATOR, resources, account_id)

    with_resources(run)
    click.echo(f"{account_id} is active")


@service_accounts.command("list-keys")
@click.argument("account_id", metavar="ID", type=click.UUID)
def list_keys(account_id: UUID) -> None:
    """List the API keys of a service account: id, name, expiry and last use, separated by tabs."""

    async def run(resources: Resources) -> None:
        after: UUID | None = None
        while page := await service.list_api_keys(resources, account_id, after, PAGE):
            for key in page:
                click.echo(row(str(key.id), key.name, _time(key.expires_at), _time(key.last_used_at)))
            after = page[-1].id

    with_resources(run)


@service_accounts.command("create-key")
@click.argument("account_id", metavar="ID", type=click.UUID)
@click.argument("name")
@click.option(
    "--days",
    type=click.IntRange(1, LIFETIME_MAX_SECONDS // DAY_SECONDS),
    default=90,
    show_default=True,
    help="How long the key works.",
)
def create_key(account_id: UUID, name: str, days: int) -> None:
    """Make an API key, and print it. It is shown this once."""
    new = NewApiKey(name, days * DAY_SECONDS)
    made = with_resources(lambda resources: service.create_api_key(OPERATOR, resources, account_id, new))
    click.echo(made.token)


@service_accounts.command("revoke-key")
@click.argument("account_id", metavar="ID", type=click.UUID)
@click.argument("key_id", metavar="KEY", type=click.UUID)
def revoke_key(account_id: UUID, key_id: UUID) -> None:
    """Revoke an API key, which is deleted."""
    with_resources(lambda resources: service.revoke_api_key(OPERATOR, resources, account_id, key_id))
    click.echo(f"{key_id} is revoked")


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else "-"

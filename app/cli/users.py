"""`ostiary users`: accounts, as the operator administers them."""

import click

from app.audit import OPERATOR
from app.cli.console import PAGE, row, with_resources
from app.domain.flows.administer_users import create_user_with_link, restore_user, set_platform_role, suspend_user
from app.domain.keys.service import user_id_of_email
from app.domain.resources import Resources
from app.domain.users.repository import After
from app.domain.users.service import list_users


@click.group()
def users() -> None:
    """Administer users."""


@users.command("list")
def list_command() -> None:
    """List all users: id, address, name, platform role and status, separated by tabs."""

    async def run(resources: Resources) -> None:
        after: After | None = None
        while page := await list_users(resources, after, PAGE):
            for user in page:
                click.echo(row(str(user.id), user.email, user.name, user.platform_role or "-", user.status))
            after = page[-1].created_at, page[-1].id

    with_resources(run)


@users.command()
@click.argument("email")
@click.option("--name", default="", help="The person's name.")
@click.option("--admin", is_flag=True, help="Make them a platform admin.")
def create(email: str, name: str, admin: bool) -> None:
    """Create a user, and print the invitation link with which they set their secret."""
    role = "admin" if admin else None
    link = with_resources(lambda resources: create_user_with_link(OPERATOR, resources, email, name, role))
    click.echo(f"Invitation link: {link}")


@users.command()
@click.argument("email")
def suspend(email: str) -> None:
    """Suspend a user: sessions and links end at once."""

    async def run(resources: Resources) -> None:
        await suspend_user(OPERATOR, resources, await user_id_of_email(resources, email))

    with_resources(run)
    click.echo(f"{email} is suspended")


@users.command()
@click.argument("email")
def restore(email: str) -> None:
    """Undo a suspension."""

    async def run(resources: Resources) -> None:
        await restore_user(OPERATOR, resources, await user_id_of_email(resources, email))

    with_resources(run)
    click.echo(f"{email} is active")


@users.command("grant-admin")
@click.argument("email")
def grant_admin(email: str) -> None:
    """Make the user a platform admin. Their sessions end: they sign in anew."""

    async def run(resources: Resources) -> None:
        await set_platform_role(OPERATOR, resources, await user_id_of_email(resources, email), "admin")

    with_resources(run)
    click.echo(f"{email} is a platform admin")


@users.command("revoke-admin")
@click.argument("email")
def revoke_admin(email: str) -> None:
    """Take the platform role away. The last platform admin stays."""

    async def run(resources: Resources) -> None:
        await set_platform_role(OPERATOR, resources, await user_id_of_email(resources, email), None)

    with_resources(run)
    click.echo(f"{email} is no platform admin")

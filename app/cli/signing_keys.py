"""`ostiary signing-keys`: the keys that sign tokens for other back ends."""

import click

from app.audit import OPERATOR
from app.cli.console import row, with_resources
from app.domain.resources import Resources
from app.domain.tokens.service import list_keys, rotate_keys
from app.server.errors import ServiceError

TIME = "%Y-%m-%dT%H:%M:%SZ"


@click.group("signing-keys")
def signing_keys() -> None:
    """List and rotate the keys that sign tokens."""


@signing_keys.command("list")
def list_command() -> None:
    """List the published keys: id, algorithm, from when each signs and until when it is published."""

    async def run(resources: Resources) -> None:
        for key in await list_keys(resources):
            until = f"{key.published_until:{TIME}}" if key.published_until else "-"
            click.echo(row(key.kid, key.algorithm, f"{key.signs_from:{TIME}}", until))

    with_resources(run)


@signing_keys.command()
@click.option("--at-once", is_flag=True, help="For a stolen key: sign with the new one now, and delete all others.")
def rotate(at_once: bool) -> None:
    """Make a new key, of the algorithm TOKEN_ALGORITHM.

    It is published now and signs 10 minutes later, so that every verifier knows it; the key before it stays published
    until its last token has ended. Running services notice by themselves.
    """
    try:
        new = with_resources(lambda resources: rotate_keys(OPERATOR, resources, at_once=at_once))
    except ValueError as error:
        raise ServiceError(str(error)) from None
    click.echo(f"{new.kid} ({new.algorithm}) signs from {new.signs_from:{TIME}} on")

"""`ostiary languages`: lists and imports languages."""

from pathlib import Path

import click

from app.audit import OPERATOR
from app.cli.console import PAGE, row, with_resources
from app.domain.languages.importing import read_languages
from app.domain.languages.service import complete_language, import_languages, list_languages
from app.domain.resources import Resources


@click.group()
def languages() -> None:
    """Administer languages."""


@languages.command("list")
def list_command() -> None:
    """List all languages: code, name, autonym and text direction, separated by tabs."""

    async def run(resources: Resources) -> None:
        after = ""
        while page := await list_languages(resources, None, after, PAGE):
            for language in page:
                click.echo(row(language.code, language.name, language.autonym, language.text_direction))
            after = page[-1].code

    with_resources(run)


@languages.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_command(file: Path) -> None:
    """Create the languages of FILE, all or none.

    A CSV file has a header with code, name and, if you like, autonym and textDirection, and commas, semicolons or tabs
    between the values; a JSON Lines file (.jsonl) has one object of these fields a line.
    """

    async def run(resources: Resources) -> int:
        rows = read_languages(file, lambda new: complete_language(new, resources.clock))
        await import_languages(OPERATOR, resources, rows)
        return len(rows)

    click.echo(f"{with_resources(run)} languages created")

"""The samples of docs/back-ends.md, and a running issuer of tokens for them."""

import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.conftest import make_migrated_database
from tests.support.app import ORIGIN, SECRET_KEY, TOKEN_AUDIENCE, Clock, RunningApp, running, settings_for
from tests.support.forged_tokens import forgeries
from tests.support.serve_process import free_port, serving_beside
from tests.support.tokens import token_for

DOCUMENT = Path(__file__).parents[2] / "docs" / "back-ends.md"


def sample(title: str, language: str, issuer: str = "") -> str:
    """The code of the section with this title, for this issuer."""
    (section,) = re.findall(rf"^##+ {title}\n(.*?)(?=^##+ |\Z)", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (code,) = blocks
    return code.replace("https://id.example.org", issuer)


class Issuer(Struct, frozen=True):
    """A running service at `url`, and the same service in this process."""

    url: str
    app: RunningApp

    async def token(self, *roles: str) -> str:
        """The token of a new user with these roles in the language `de`."""
        number = await self.app.resources.database.pool.fetchval("SELECT count(*) FROM users")
        user_id = await self.app.user(f"user{number}@example.org")
        if roles:
            await self.app.member(user_id, "de", *roles)
        return await token_for(self.app.with_cookie(await self.app.token(user_id)))

    async def forgeries(self) -> dict[str, str]:
        """Tokens that are not acceptable, by what is wrong with them."""
        row = await self.app.resources.database.pool.fetchrow("SELECT public_key::text, sealed FROM signing_keys")
        assert row
        private_key = self.app.resources.secret_key.unseal(row["sealed"])
        return forgeries(await self.token(), msgspec.json.decode(private_key), msgspec.json.decode(row["public_key"]))


@asynccontextmanager
async def issuing(server_url: str, name: str) -> AsyncIterator[Issuer]:
    """An issuer of tokens with a database of its own, until the context ends."""
    url, port = await make_migrated_database(server_url, name), free_port()
    clock = Clock()
    clock.now = datetime.now(UTC)
    environ = {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_ORIGINS": ORIGIN,
        "SECRET_KEY": SECRET_KEY,
        "TOKEN_AUDIENCES": TOKEN_AUDIENCE,
        "TOKEN_SECONDS": "300",
    }
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        async with running(settings_for(url, **environ), clock) as app:
            await app.user("root@example.org", admin=True)
            await app.language("de")
            own = {**environ, "DATABASE_URL": url, "PORT": str(port), "RUN_JOBS": "off"}
            async with serving_beside(Path(directory) / "data", Path(directory), **own) as service:
                yield Issuer(service.url, app)

"""The running service keeps to its own OpenAPI document, whatever is sent: no 5xx, no answer the document denies."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias

import asyncpg
import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from app.asgi import build
from tests.conftest import make_database
from tests.support.app import Clock, settings_for
from tests.support.app import running as inside
from tests.support.serve_process import Service, serving

Case: TypeAlias = "schemathesis.Case[APIOperation[Any, Any, Any, Any]]"

HELD = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
]
# Each request of the platform admin is that of another one: some end the session or change the secret.
ADMINS = 20_000
MAKE_ADMINS = """
WITH admins AS (
    INSERT INTO users (id, email, name, platform_role, onboarded_at, created_at, updated_at)
    SELECT gen_random_uuid(), n || '@example.org', 'Admin', 'admin', now(), now(), now()
      FROM generate_series(1, $1) n RETURNING id, email
), ways_in AS (
    INSERT INTO keys (id, user_id, kind, provider, identifier, created_at)
    SELECT gen_random_uuid(), id, 'primary', 'email', email, now() FROM admins
)
INSERT INTO sessions (id, token_hash, user_id, method, created_at, authenticated_at, last_seen_at, idle_expires_at,
                      expires_at)
SELECT gen_random_uuid(), sha256(convert_to('ost_' || lpad(split_part(email, '@', 1), 43, '0'), 'UTF8')), id,
       'password', now(), now(), now(), now() + interval '1 hour', now() + interval '1 hour'
  FROM admins
"""

# With every user as its translator: platform admins alone may not write a text.
GERMAN = """
INSERT INTO languages VALUES ('de', 'German', 'Deutsch', 'ltr', now()) ON CONFLICT DO NOTHING;
INSERT INTO language_members SELECT 'de', id, '{translator}', NULL, now() FROM users ON CONFLICT DO NOTHING
"""

# As it travels: with the lists of JSON.
DOCUMENT = json.loads(msgspec.json.encode(build(settings_for("postgresql:///unused")).openapi_schema.to_schema()))
# Malformed and too large at once, a body is refused for its size, which is told first.
REFUSED = {"expected-statuses": ["4xx"]}
CONFIG = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": REFUSED}})
contract = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
bounded = settings(
    max_examples=400 if os.environ.get("OSTIARY_LONG") else 6, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
async def contract_database(server_url: str) -> str:
    """The URL of the service's database."""
    return await make_database(server_url, "contract")


@pytest.fixture(scope="module")
async def service(contract_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The service as an operator starts it, with the user of the document's examples and many platform admins."""
    directory = tmp_path_factory.mktemp("contract")
    with serving(directory, directory, DATABASE_URL=contract_database) as running:
        async with inside(settings_for(contract_database), Clock()) as app:
            await app.user()
            await app.resources.database.pool.execute(MAKE_ADMINS, ADMINS)
        yield running


@pytest.fixture
async def german(service: Service, contract_database: str) -> None:  # noqa: ARG001 # the service has made the tables
    """The language of the document's examples; a test before may have deleted it."""
    connection = await asyncpg.connect(contract_database)
    await connection.execute(GERMAN)
    await connection.close()


@pytest.fixture(scope="module")
def tokens() -> Iterator[str]:
    """The tokens of the platform admins."""
    return iter([f"ost_{number:043}" for number in range(1, ADMINS + 1)])


def test_the_service_serves_the_document(service: Service) -> None:
    assert httpx.get(f"{service.url}/api/openapi.json").json() == DOCUMENT


@contract.parametrize()
@bounded
def test_no_request_of_a_stranger_gets_an_answer_that_the_document_denies(case: Case, service: Service) -> None:
    case.call_and_validate(base_url=service.url, checks=HELD)


@pytest.mark.usefixtures("german")
@contract.parametrize()
@bounded
def test_no_request_of_a_platform_admin_gets_an_answer_that_the_document_denies(
    case: Case, service: Service, tokens: Iterator[str]
) -> None:
    headers = {"Authorization": f"Bearer {next(tokens)}"}
    case.call_and_validate(base_url=service.url, checks=HELD, headers=headers)

"""Fuzzing of every operation with Schemathesis: no response is a 5xx or contradicts the OpenAPI document."""

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
from tests.support.app import running as running_in_process
from tests.support.serve_process import Service, serving

Case: TypeAlias = "schemathesis.Case[APIOperation[Any, Any, Any, Any]]"

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
]
EXAMPLES = 400 if os.environ.get("OSTIARY_LONG") else 6
# Each request is sent by another platform admin, because some requests end the session or change the secret. There are
# fewer than 100 operations, and a fixed number of further examples of each.
ADMINS = 20_000 + 100 * EXAMPLES
INSERT_ADMINS = """
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

# Every user is a translator: the platform role does not allow writing translations.
INSERT_GERMAN = """
INSERT INTO languages VALUES ('de', 'German', 'Deutsch', 'ltr', now()) ON CONFLICT DO NOTHING;
INSERT INTO language_members SELECT 'de', id, '{translator}', NULL, now() FROM users ON CONFLICT DO NOTHING
"""

# Decoded from its JSON, so that tuples become lists as in the response.
DOCUMENT = json.loads(msgspec.json.encode(build(settings_for("postgresql:///unused")).openapi_schema.to_schema()))
# A body that is malformed and too large is answered 413, because its size is checked first.
ANY_CLIENT_ERROR = {"expected-statuses": ["4xx"]}
CONFIG = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": ANY_CLIENT_ERROR}})
schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
limited_examples = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
async def contract_database(server_url: str) -> str:
    """The URL of the database of the service."""
    return await make_database(server_url, "contract")


@pytest.fixture(scope="module")
async def service(contract_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The service in a process of its own, with the user of the document's examples and ADMINS platform admins."""
    directory = tmp_path_factory.mktemp("contract")
    with serving(directory, directory, DATABASE_URL=contract_database) as running:
        async with running_in_process(settings_for(contract_database), Clock()) as app:
            await app.user()
            await app.resources.database.pool.execute(INSERT_ADMINS, ADMINS)
        yield running


@pytest.fixture
async def german(service: Service, contract_database: str) -> None:  # noqa: ARG001 # the service creates the tables
    """Create the language of the document's examples again, which an earlier request may have deleted."""
    connection = await asyncpg.connect(contract_database)
    await connection.execute(INSERT_GERMAN)
    await connection.close()


@pytest.fixture(scope="module")
def tokens() -> Iterator[str]:
    """The session tokens of the platform admins."""
    return iter([f"ost_{number:043}" for number in range(1, ADMINS + 1)])


def test_the_service_serves_the_document(service: Service) -> None:
    assert httpx.get(f"{service.url}/api/openapi.json").json() == DOCUMENT


@schema.parametrize()
@limited_examples
def test_anonymous_requests_get_documented_responses_only(case: Case, service: Service) -> None:
    case.call_and_validate(base_url=service.url, checks=CHECKS)


@pytest.mark.usefixtures("german")
@schema.parametrize()
@limited_examples
def test_requests_of_a_platform_admin_get_documented_responses_only(
    case: Case, service: Service, tokens: Iterator[str]
) -> None:
    headers = {"Authorization": f"Bearer {next(tokens)}"}
    case.call_and_validate(base_url=service.url, checks=CHECKS, headers=headers)

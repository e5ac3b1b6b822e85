"""Client limit evasion: one client counts as many by the addresses of its network, or by other forms of one address."""

import pytest

from tests.support.app import RunningApp, running, settings_for
from tests.support.mailbox import ask


@pytest.mark.parametrize(
    ("ips", "refused"),
    [
        ([f"2001:db8:7:7::{number:x}" for number in range(1, 6)], 3),
        ([f"2001:db8:7:7:{number:x}::1" for number in range(1, 6)], 3),
        (["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"], 3),
        ([f"2001:db8:7:{number:x}::1" for number in range(1, 6)], 0),
        ([f"::ffff:192.0.2.{number}" for number in range(1, 6)], 0),
    ],
    ids=["hosts of a network", "interfaces of a network", "forms of an address", "networks", "mapped addresses"],
)
async def test_a_client_is_counted_by_its_network_however_its_address_is_written(
    app: RunningApp, database_url: str, ips: list[str], refused: int
) -> None:
    async with running(settings_for(database_url, LIMIT_MAIL_BY_CLIENT="2/minute"), app.clock) as limited:
        answers = [
            await ask(limited.client(ip=ip), "sign_in", f"user{number}@example.org") for number, ip in enumerate(ips)
        ]
    assert [answer.status_code for answer in answers] == [202] * (5 - refused) + [429] * refused
    for answer in answers[5 - refused :]:
        assert answer.headers["ratelimit-policy"] == '"mail_by_client";q=2;w=60'
        assert answer.headers["ratelimit"] == f'"mail_by_client";r=0;t={answer.headers["retry-after"]}'

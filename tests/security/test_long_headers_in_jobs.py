"""Resource exhaustion: an anonymous request for a key stores what its headers hold.

The job keeps what audit events tell of the requester, and no header: a long `User-Agent` would fill the jobs table.
"""

from tests.support.app import RunningApp

PAYLOAD_BYTES = "SELECT octet_length(payload) FROM jobs WHERE kind = 'issue_key'"


async def test_a_long_user_agent_is_not_kept_in_the_job_of_a_key_request(app: RunningApp) -> None:
    pool = app.resources.database.pool
    async with app.client() as client:
        for email, user_agent in (("ada@example.org", "short"), ("eve@example.org", "long" * 4000)):
            answer = await client.post(
                "/api/keys", json={"purpose": "sign_in", "email": email}, headers={"User-Agent": user_agent}
            )
            assert answer.status_code == 202
    sizes = [row["octet_length"] for row in await pool.fetch(PAYLOAD_BYTES)]
    assert len(sizes) == 2
    assert sizes[0] == sizes[1]

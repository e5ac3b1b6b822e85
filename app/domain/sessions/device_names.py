"""Names of the devices of sessions, for people: what clients say of themselves in the header `User-Agent`."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache

NAMES_KEPT = 1000


async def device_names(user_agents: Sequence[str | None]) -> list[str | None]:
    """The name of each device, such as `Firefox on Windows`; None for one that is not known.

    In a thread: the first call of a process compiles the rules of ua-parser, for a fifth of a second.
    """
    return await asyncio.to_thread(lambda: [device_name(agent) if agent else None for agent in user_agents])


@lru_cache(NAMES_KEPT)
def device_name(user_agent: str) -> str | None:
    """The browser or program, and the operating system, if either is known."""
    from ua_parser import parse_os, parse_user_agent  # noqa: PLC0415 # most processes never need the rules

    browser, system = parse_user_agent(user_agent), parse_os(user_agent)
    families = [found.family for found in (browser, system) if found is not None]
    return " on ".join(families) or None

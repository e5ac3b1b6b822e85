"""The middleware sends the session cookie again, beside other cookies, unless the route has set or cleared it."""

import pytest
from litestar.types import Message

from app.auth.cookies import SessionCookie
from app.auth.middleware import _with_cookie

AGAIN = (b"set-cookie", b"auth_session=t; Max-Age=60")


@pytest.mark.parametrize(
    ("set_by_route", "sent"),
    [
        ([], [AGAIN]),
        ([(b"set-cookie", b"auth_device=d")], [(b"set-cookie", b"auth_device=d"), AGAIN]),
        ([(b"Set-Cookie", b"auth_session=")], [(b"Set-Cookie", b"auth_session=")]),
        ([(b"x-note", b"auth_session=")], [(b"x-note", b"auth_session="), AGAIN]),
    ],
)
async def test_the_cookie_is_added_unless_the_route_has_set_it(
    set_by_route: list[tuple[bytes, bytes]], sent: list[tuple[bytes, bytes]]
) -> None:
    messages = list[Message]()

    async def send(message: Message) -> None:
        messages.append(message)

    wrapped = _with_cookie(send, SessionCookie(), AGAIN[1].decode())
    await wrapped({"type": "http.response.start", "status": 200, "headers": set_by_route})

    (message,) = messages
    assert message["type"] == "http.response.start"
    assert message["headers"] == sent

"""Clickjacking, and content of others on pages: the headers of every page, in every state, refuse both."""

import pytest

from tests.support.app import RunningApp
from tests.support.pages import browser_at

PAGES = (
    "/",
    "/sign-in",
    "/sign-in?return_to=https://evil.example",
    "/sign-up",
    "/code",
    "/redeem",
    "/redeem?paste",
    "/reset",
    "/onboarding",
    "/denied",
    "/signed-out",
    "/nowhere",
    "/.well-known/change-password",
)
POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
    "connect-src": "'self'", "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("signed_in", [True, False])
async def test_no_page_can_be_framed_or_load_from_elsewhere(
    app: RunningApp, path: str, method: str, signed_in: bool
) -> None:
    browser = await app.signed_in() if signed_in else browser_at(app)
    answer = await browser.request(method, path, headers={"Accept": "text/html"})
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1
    if answer.headers["content-type"].startswith("text/html") and answer.status_code != 303:
        assert dict(part.split(" ", 1) for part in policies[0].split("; ")) == POLICY
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["referrer-policy"] == "same-origin"
    else:
        assert policies[0] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"

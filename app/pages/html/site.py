"""What all pages of a deployment share: made once at the start, from the settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.guards.authorize import Request
from app.pages.html.assets import LOGO, OWN_CSS, Asset, load_assets
from app.pages.html.words import strong
from app.settings.mailbox import service_name
from app.settings.model import Settings
from app.settings.urls import origin_of

TEMPLATES = Path(__file__).parent.parent / "templates"


class Site:
    """The templates, the assets and the headers of the pages of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.service = service_name(settings)
        self.assets: Mapping[str, Asset] = load_assets(settings)
        self.headers = headers_of_pages(settings)
        self.templates = environment()
        self.templates.globals |= {
            "asset": lambda name: self.assets[name].url,
            "logo": self.assets[LOGO].url if LOGO in self.assets else None,
            "own_css": self.assets[OWN_CSS].url if OWN_CSS in self.assets else None,
            "service": self.service,
            "settings": settings,
            "strong": strong,
        }


def site_of(request: Request) -> Site:
    """The site of the app that serves the request."""
    return cast("Site", request.app.state.site)


def environment() -> Environment:
    """Where templates are compiled. All values are escaped, and a value that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def headers_of_pages(settings: Settings) -> Mapping[str, str]:
    """The headers of every page, beside those of every answer.

    The policy (CSP Level 3) lets a page load from this service alone, and be framed by nobody. Browsers apply
    `form-action` to the redirect after a form too, so that it names the origins to which people return. The referrer is
    kept from other sites; with `no-referrer`, browsers would send `Origin: null` with forms (Fetch section 3.2).
    """
    others = sorted({*settings.allowed_origins, *map(origin_of, settings.app_url)} - {settings.public_url})
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": " ".join(["'self'", *others]),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Cookie, Accept-Language",
    }

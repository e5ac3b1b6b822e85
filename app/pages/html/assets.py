"""The files that pages load: stylesheet, scripts and logo, each under a name with the hash of its content."""

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct
from swagger_ui_bundle import swagger_ui_path

from app.pages.html.brand import accent_rules
from app.settings.model import Settings
from app.settings.rules import LOGO_TYPES

# The files of Swagger UI that the page `/docs` loads, from its package.
SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
FOLDER = Path(__file__).parent.parent / "assets"
PATH = "/page-assets"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", **LOGO_TYPES}
# The names of the operator's own files, in the templates.
LOGO, OWN_CSS = "logo", "own.css"
HASH_CHARACTERS = 16


class Asset(Struct, frozen=True):
    """A file as it is served. `url` has the hash of its content, so that browsers may keep it for ever."""

    url: str
    media_type: str
    body: bytes
    compressed: bytes


def load_assets(settings: Settings) -> Mapping[str, Asset]:
    """The assets by the names that templates use, read and compressed once at the start. Raises `OSError`."""
    own = [file for file in sorted(FOLDER.iterdir()) if file.suffix in MEDIA_TYPES]
    files = {file.name: file.read_bytes() for file in (*own, *(swagger_ui_path / name for name in SWAGGER_FILES))}
    if settings.brand_accent:
        files["pages.css"] += accent_rules(settings.brand_accent).encode()
    assets = {name: _asset(name, content) for name, content in files.items()}
    if settings.pages_css:
        assets[OWN_CSS] = _asset(OWN_CSS, Path(settings.pages_css).read_bytes())
    if settings.brand_logo:
        logo = Path(settings.brand_logo)
        assets[LOGO] = _asset(f"{LOGO}{logo.suffix}", logo.read_bytes())
    return assets


def by_path(assets: Iterable[Asset]) -> Mapping[str, Asset]:
    """The assets by the last part of their URLs."""
    return {asset.url.removeprefix(f"{PATH}/"): asset for asset in assets}


@cache  # one process may have several apps
def _asset(name: str, content: bytes) -> Asset:
    path = Path(name)
    digest = hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]
    compressed = gzip.compress(content, compresslevel=6, mtime=0)
    return Asset(f"{PATH}/{path.stem}.{digest}{path.suffix}", MEDIA_TYPES[path.suffix], content, compressed)

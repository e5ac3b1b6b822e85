"""Writes what the npm package takes from the service: types of the API, names of the policy, and texts of errors.

`make client` runs it after a change of the API, the policy or `app/words/`; a test fails until then.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from app.asgi import build
from app.guards.policy import ID_ATTRIBUTES, OWNER_ATTRIBUTES, Action, SubjectType
from app.settings.load import load
from app.words.catalogue import locales, section

PACKAGE = Path(__file__).parent / "js"
HEADER = "// Made by `make client` from {source}. Do not edit.\n"
TOP_SECTIONS = ("duration", "problem", "field")


def main() -> None:
    """Write all generated files into the package."""
    write(PACKAGE / "src")


def write(folder: Path) -> None:
    """Write all generated files below `folder`. Needs Node.js and the installed development packages of the package."""
    (folder / "generated").mkdir(parents=True, exist_ok=True)
    (folder / "texts").mkdir(exist_ok=True)
    (folder / "generated" / "api.ts").write_text(api_types())
    (folder / "generated" / "subjects.ts").write_text(names_of_the_policy())
    for locale in locales():
        (folder / "texts" / f"{locale}.ts").write_text(texts(locale))


def api_types() -> str:
    """The OpenAPI document as TypeScript types, made by openapi-typescript."""
    document = build(load({"DATABASE_URL": "postgresql:///unused"})).openapi_schema.to_schema()
    with tempfile.TemporaryDirectory() as directory:
        source, made = Path(directory) / "openapi.json", Path(directory) / "api.ts"
        # The order of headers in the document is that of a set.
        source.write_text(json.dumps(document, sort_keys=True))
        program = PACKAGE / "node_modules" / ".bin" / "openapi-typescript"
        subprocess.run([program, source, "--output", made], check=True, capture_output=True)  # noqa: S603 # locked package
        return HEADER.format(source="the OpenAPI document") + made.read_text()


def names_of_the_policy() -> str:
    """Actions and subject types as types, and the attribute by which a rule knows a subject of each type."""
    return "\n".join(
        [
            HEADER.format(source="app/guards/policy.py"),
            f"export type Action = {_union(get_args(Action))};",
            f"export type SubjectType = {_union(get_args(SubjectType))};",
            "",
            "/** The attribute that an id is compared with. */",
            f"export const ID_ATTRIBUTES = {_json(ID_ATTRIBUTES)} as const;",
            "/** The attribute with the id of the owner, of the types that rules know by their owner alone. */",
            f"export const OWNER_ATTRIBUTES = {_json(OWNER_ATTRIBUTES)} as const;",
            "",
        ]
    )


def texts(locale: str) -> str:
    """The texts of errors in one language, as a module."""
    words = {name: section(locale, name) for name in TOP_SECTIONS}
    codes = {
        kind: [code for code in words[kind] if section(locale, f"{kind}.with.{code}")] for kind in ("problem", "field")
    }
    better = {
        f"{kind}.{code}": section(locale, f"{kind}.with.{code}") for kind, of_kind in codes.items() for code in of_kind
    }
    return "\n".join(
        [
            HEADER.format(source=f"app/words/{locale}.toml"),
            'import { textsOf } from "./texts_of.js";',
            "",
            "/** The texts of errors, for the option `texts` of `createOstiary`. */",
            f"export default textsOf({_json({**words, 'better': better})});",
            "",
        ]
    )


def _union(names: tuple[str, ...]) -> str:
    return " | ".join(json.dumps(name) for name in names)


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    main()

"""Languages in memory, each with the encoded answer to `GET /api/languages/{code}`, until the language changes."""

import msgspec
from msgspec import Struct

from app.domain.languages.repository import find_language
from app.domain.languages.schemas import LanguageView
from app.domain.resources import Resources
from app.http.ready_answers import ReadyAnswer, ready_answer
from app.postgres.kept_rows import Kept


class KeptLanguage(Struct, frozen=True, gc=False, eq=False):
    """A language as it is answered."""

    view: LanguageView
    answer: ReadyAnswer


async def read_kept_language(resources: Resources, code: str) -> LanguageView | None:
    """The language of a canonical code, from memory or from the database; None if there is none."""

    async def load() -> Kept[Struct | None]:
        view = await find_language(resources.database, code)
        if view is None:
            return Kept(None)
        return Kept(KeptLanguage(view, ready_answer(msgspec.json.encode(view))), (f"language {code}",))

    kept = await resources.kept_rows.find_or_read(f"language {code}", load)
    return kept.view if isinstance(kept, KeptLanguage) else None


def kept_answer(resources: Resources, code: str) -> ReadyAnswer | None:
    """The answer about the language of a canonical code, if the language is in memory."""
    kept = resources.kept_rows.find(f"language {code}")
    return kept.answer if isinstance(kept, KeptLanguage) else None

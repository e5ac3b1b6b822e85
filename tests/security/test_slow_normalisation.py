"""Attack: a text of combining marks, which take quadratic time to put in order, stops the service for seconds."""

import time

from app.domain.languages.translations.schemas import BATCH_MAX, TEXT_MAX
from tests.support.app import RunningApp, field_errors

# Put in order, the marks of one such text take a third of a second.
MARKS = "\u0301\u0323" * (TEXT_MAX // 2)


async def test_a_batch_of_combining_marks_is_refused_before_it_is_normalised(app: RunningApp) -> None:
    await app.language("de")
    translator = await app.signed_in_member("de", "translator")
    many = [{"key": f"k{number}", "text": MARKS, "version": None} for number in range(40)]
    assert len(many) <= BATCH_MAX
    before = time.process_time()
    refused = await translator.post("/api/languages/de/translations/batch", json={"items": many})
    taken = time.process_time() - before
    assert set(field_errors(refused).values()) == {"invalid"}
    assert taken < 3, "normalised 40 texts, which take about 10 seconds"


async def test_a_name_of_combining_marks_is_refused(app: RunningApp) -> None:
    user = await app.signed_in()
    assert field_errors(await user.patch("/api/users/me", json={"name": "a" + MARKS[:100]})) == {"name": "invalid"}

"""Languages from a file: CSV or TSV with a header, or JSON Lines. Every line is checked before the first is stored."""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from app.domain.languages.models import Language
from app.domain.languages.schemas import NewLanguage
from app.errors import Problem

MAX_FILE_BYTES = 16 * 1024 * 1024
# The columns of a CSV file are the fields of the API.
COLUMNS = ("code", "name", "autonym", "textDirection")
# Spreadsheets write semicolons where the comma is the decimal separator, and tabs when cells are copied.
DELIMITERS = (",", ";", "\t")
# The first line with which a file tells Excel its delimiter.
DELIMITER_HINT = re.compile(r'\A"?sep=.?"?(?=[\r\n])', re.IGNORECASE)


class ImportFileError(Exception):
    """The file cannot be imported; each line of `lines` names a line of the file by its number."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def read_languages(path: Path, prepare: Callable[[NewLanguage], Language]) -> list[Language]:
    """The rows to insert, each completed by `prepare`.

    `path` ends in `.csv` or `.tsv`, or in `.jsonl` or `.ndjson`. Raises `ImportFileError` with every bad line and
    duplicate.
    """
    readers: dict[str, Callable[[str], Iterable[tuple[int, object]]]] = {
        ".csv": _csv, ".tsv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines,
    }  # fmt: skip
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ImportFileError([f"{path.name}: expected a name that ends in .csv, .tsv, .jsonl or .ndjson"])
    text = _text(path)
    languages: dict[str, Language] = {}
    mistakes: list[str] = []
    for number, value in reader(text):
        try:
            language = prepare(_new_language(value))
        except (ValueError, Problem) as error:
            mistakes.append(f"line {number}: {_reason(error)}")
            continue
        if language.code in languages:
            mistakes.append(f"line {number}: {language.code} is in the file twice")
        languages[language.code] = language
    if not languages and not mistakes:
        mistakes.append(f"{path.name}: there is no language in it")
    if mistakes:
        raise ImportFileError(mistakes)
    return list(languages.values())


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ImportFileError([f"{path.name}: larger than {MAX_FILE_BYTES} bytes"])
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise ImportFileError([f"{path}: {error.strerror}"]) from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ImportFileError([f"line {line}: not UTF-8 text"]) from None


def _csv(text: str) -> Iterator[tuple[int, object]]:
    """The rows below the header, as the fields of the API. The first delimiter with which the header is one counts."""
    text = DELIMITER_HINT.sub("", text)
    number = 1
    for delimiter in DELIMITERS:
        rows = _numbered_rows(text, delimiter)
        number, header = next(rows, (1, []))
        if isinstance(header, list) and {"code", "name"} <= set(header) <= set(COLUMNS) and not _has_twice(header):
            return _fields(rows, header)
    expected = f"the columns code,name and, if you like, {','.join(COLUMNS[2:])}"
    raise ImportFileError([f"line {number}: expected {expected}, separated by commas, semicolons or tabs"])


def _fields(rows: Iterator[tuple[int, list[str] | ValueError]], header: list[str]) -> Iterator[tuple[int, object]]:
    for number, row in rows:
        if isinstance(row, ValueError):
            yield number, row
        elif len(row) != len(header):
            yield number, ValueError(f"expected {len(header)} values")
        else:
            yield number, {name: value for name, value in zip(header, row, strict=True) if value}


def _numbered_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | ValueError]]:
    """The rows that have a value, each with the line that it starts on; a fault of the quotes ends them."""
    rows = csv.reader(io.StringIO(text, newline=None), strict=True, delimiter=delimiter)
    while True:
        number = rows.line_num + 1
        try:
            row = [value.strip() for value in next(rows)]
        except StopIteration:
            return
        except csv.Error as error:
            yield number, ValueError(str(error))
            return
        if any(row):
            yield number, row


def _has_twice(header: list[str]) -> bool:
    return len(set(header)) < len(header)


def _json_lines(text: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            yield number, ValueError("not JSON")


def _new_language(value: object) -> NewLanguage:
    if isinstance(value, ValueError):
        raise value
    return msgspec.convert(value, NewLanguage)


def _reason(error: Exception) -> str:
    if isinstance(error, Problem) and error.errors:
        return error.errors[0].message
    return str(error).replace("`", "")

"""Files of languages: every invalid line is reported by its number, and one invalid line refuses the whole file."""

from pathlib import Path

import pytest

from app.domain.languages.importing import MAX_FILE_BYTES, ImportFileError, read_languages
from app.domain.languages.models import Language
from app.domain.languages.schemas import NewLanguage
from app.text import name_in_nfc
from tests.support.app import START

EXPECTED_COLUMNS = (
    "expected the columns code,name and, if you like, autonym,textDirection, separated by commas, semicolons or tabs"
)


def prepare(new: NewLanguage) -> Language:
    """The language as the file describes it: nothing follows from the code."""
    return Language(
        code=new.code,
        name=name_in_nfc(new.name),
        autonym=new.autonym,
        text_direction=new.text_direction,
        created_at=START,
    )


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return tmp_path / "languages.csv"


@pytest.fixture
def json_file(tmp_path: Path) -> Path:
    return tmp_path / "languages.jsonl"


def read(path: Path, content: str | bytes) -> list[tuple[str, str]]:
    """Code and name of the languages in a file with this content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [(language.code, language.name) for language in read_languages(path, prepare)]


def error_lines(path: Path, content: str | bytes) -> list[str]:
    """The lines of the error that a file with this content raises."""
    with pytest.raises(ImportFileError) as caught:
        read(path, content)
    return caught.value.lines


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("byte_order_mark", ["", "\ufeff"])
def test_every_kind_of_line_end_and_a_byte_order_mark_are_accepted(
    csv_file: Path, json_file: Path, line_end: str, byte_order_mark: str
) -> None:
    rows = ["code,name,autonym,textDirection", "de,German,Deutsch,ltr", "", "fa, Persian ,,", ""]
    assert read(csv_file, byte_order_mark + line_end.join(rows)) == [("de", "German"), ("fa", "Persian")]
    objects = ['{"code":"de","name":"German"}', "", '{"code":"fa","name":"Persian","textDirection":"rtl"}']
    assert read(json_file, byte_order_mark + line_end.join(objects)) == [("de", "German"), ("fa", "Persian")]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_values_may_be_separated_by_semicolons_or_tabs(csv_file: Path, delimiter: str) -> None:
    rows = ["code,name,autonym", "de,German,Deutsch", 'el,"Greek, Modern",', "fa,Persian,"]
    written = "\n".join(row.replace(",", delimiter) for row in rows).replace(f"Greek{delimiter}", "Greek,")
    assert read(csv_file, written) == [("de", "German"), ("el", "Greek, Modern"), ("fa", "Persian")]
    assert read(csv_file.with_suffix(".tsv"), written) == read(csv_file, written)


@pytest.mark.parametrize(("hint", "delimiter"), [("sep=;", ";"), ("SEP=,", ","), ('"sep=\t"', "\t"), ("sep=;", ",")])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_first_line_that_tells_excel_the_delimiter_is_skipped_and_counted(
    csv_file: Path, hint: str, delimiter: str, line_end: str
) -> None:
    rows = [f"\ufeff{hint}", f"code{delimiter}name", f"de{delimiter}German", ""]
    assert read(csv_file, line_end.join(rows)) == [("de", "German")]
    assert error_lines(csv_file, line_end.join([*rows[:-1], "fa"])) == ["line 4: expected 2 values"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_without_a_value_are_skipped_and_counted_as_lines(csv_file: Path, delimiter: str) -> None:
    blank = ["", delimiter, f" {delimiter} ", delimiter * 5, "   "]
    rows = [*blank, f"code{delimiter} name ", *blank, f"de{delimiter}German", *blank]
    assert read(csv_file, "\n".join(rows)) == [("de", "German")]
    assert error_lines(csv_file, "\n".join([*rows, "fa"])) == [f"line {len(rows) + 1}: expected 2 values"]


def test_columns_may_be_in_any_order(csv_file: Path) -> None:
    assert read(csv_file, "name,code\nGerman,de\n") == [("de", "German")]


def test_quoted_values_may_contain_commas_and_quotes(csv_file: Path) -> None:
    assert read(csv_file, 'code,name\nel,"Greek, Modern"\nde,"the ""German"""\n') == [
        ("el", "Greek, Modern"),
        ("de", 'the "German"'),
    ]


def test_every_invalid_row_is_reported_with_the_line_that_it_starts_on(csv_file: Path) -> None:
    lines = error_lines(csv_file, 'code,name\nde,"Ger\nman"\n\nfa\nel,Greek,x\n,nameless\nfi,Finnish\n')
    assert lines == [
        "line 2: A name must not hold control characters or direction marks",
        "line 5: expected 2 values",
        "line 6: expected 2 values",
        "line 7: Object missing required field code",
    ]


def test_an_unclosed_quote_is_reported_with_the_line_that_it_starts_on(csv_file: Path) -> None:
    assert error_lines(csv_file, 'code,name\nde\nfa,"Persian\nfi,Finnish\n') == [
        "line 2: expected 2 values",
        "line 3: unexpected end of data",
    ]


@pytest.mark.parametrize(
    "header", ["name", "code", "code,name,colour", "code,name,name", "Code,Name", '"code', 'code,"name"x']
)
def test_a_header_with_other_columns_is_refused(csv_file: Path, header: str) -> None:
    assert error_lines(csv_file, header + "\nde,German") == [f"line 1: {EXPECTED_COLUMNS}"]


def test_a_json_line_accepts_only_the_fields_of_the_api(json_file: Path) -> None:
    lines = error_lines(
        json_file,
        '{"code":"de","name":"German"}\n{"code":"fa"}\n[]\nnonsense\n'
        '{"code":"el","name":"Greek","colour":"blue"}\n{"code":"he","name":1}\n'
        '{"code":"ar","name":"Arabic","textDirection":"up"}\n{"code":"fi","name":"\\ud800"}\n' + "[" * 100_000,
    )
    assert [line.split(":")[0] for line in lines] == [f"line {number}" for number in (2, 3, 4, 5, 6, 7, 8, 9)]
    assert lines[2] == "line 4: not JSON"
    assert "colour" in lines[3]


@pytest.mark.parametrize("name", ["a\0b", "a\x1b[2Jb", "a\u202eb"])
def test_a_name_with_control_characters_is_refused(csv_file: Path, name: str) -> None:
    assert error_lines(csv_file, f"code,name\nde,{name}\n") == [
        "line 2: A name must not hold control characters or direction marks"
    ]


def test_a_repeated_code_is_reported_with_the_line_of_its_second_use(csv_file: Path) -> None:
    assert error_lines(csv_file, "code,name\nde,German\nfa,Persian\nde,German\n") == ["line 4: de is in the file twice"]


@pytest.mark.parametrize("content", [b"code,name\n", b"\xef\xbb\xbfcode,name"])
def test_a_file_without_a_language_is_refused(csv_file: Path, content: bytes) -> None:
    assert error_lines(csv_file, content) == ["languages.csv: there is no language in it"]


def test_an_empty_file_is_refused(csv_file: Path, json_file: Path) -> None:
    assert error_lines(csv_file, b"") == [f"line 1: {EXPECTED_COLUMNS}"]
    assert error_lines(json_file, b"") == ["languages.jsonl: there is no language in it"]


def test_text_that_is_not_utf_8_is_reported_with_its_line(csv_file: Path) -> None:
    assert error_lines(csv_file, b"code,name\nde,German\nfr,Fran\xe7ais\n") == ["line 3: not UTF-8 text"]
    assert error_lines(csv_file, b"\xef\xbb\xbf\n\n\xff") == ["line 3: not UTF-8 text"]
    assert error_lines(csv_file, "code,name\nde,German\n".encode("utf-16")) == ["line 1: not UTF-8 text"]


def test_a_file_over_the_size_limit_is_refused(csv_file: Path) -> None:
    with csv_file.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ImportFileError) as caught:
        read_languages(csv_file, prepare)
    assert caught.value.lines == [f"languages.csv: larger than {MAX_FILE_BYTES} bytes"]


@pytest.mark.parametrize("name", ["languages.xlsx", "languages", "csv", "languages.csv.gz"])
def test_a_file_name_with_another_extension_is_refused(tmp_path: Path, name: str) -> None:
    assert error_lines(tmp_path / name, "code,name\nde,German\n") == [
        f"{name}: expected a name that ends in .csv, .tsv, .jsonl or .ndjson"
    ]


def test_a_file_that_cannot_be_opened_is_reported_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"nowhere\.csv: No such file or directory$"):
        read_languages(tmp_path / "nowhere.csv", prepare)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ImportFileError, match=r"folder\.csv: Is a directory$"):
        read_languages(tmp_path / "folder.csv", prepare)

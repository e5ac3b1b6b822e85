"""Phone numbers as people write them, in the form of E.164 in which they are kept."""

from collections.abc import Iterable

import langcodes
import phonenumbers
from babel import Locale
from langcodes.tag_parser import LanguageTagError
from msgspec import structs

from app.pages.html.forms import Form

# Numbers and codes are short; a longer text is no number, and is left to the rules of the field.
TEXT_MAX = 60


def with_e164(form: Form) -> Form:
    """The form with its `phone` in E.164, read as one of the `country` that was chosen; the country itself is gone.

    A number with a plus sign says its own country. A text that is no possible number stays as it is, so that the field
    refuses it in its own words.
    """
    fields = {name: texts for name, texts in form.fields.items() if name != "country"}
    if "phone" in fields:
        fields["phone"] = [to_e164(text, form.text("country")) for text in fields["phone"]]
    return structs.replace(form, fields=fields)


def to_e164(text: str, country: str) -> str:
    """The number in E.164, or the text if it is no possible number. `country` is its code in ISO 3166-1."""
    try:
        number = phonenumbers.parse(text[:TEXT_MAX], country or None)
    except phonenumbers.NumberParseException:
        return text
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if len(text) > TEXT_MAX or number.extension or not possible:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def countries(locale: str) -> list[tuple[str, str]]:
    """The countries that have numbers, as pairs of code and label, such as `Germany (+49)`, sorted by label."""
    names = Locale.parse(locale, sep="-").territories
    known: Iterable[str] = phonenumbers.SUPPORTED_REGIONS
    labels = [(code, f"{names.get(code, code)} (+{phonenumbers.country_code_for_region(code)})") for code in known]
    return sorted(labels, key=lambda pair: pair[1])


def likely_country(accept_language: str, locale: str) -> str:
    """The country whose number a reader most likely has, by the first language that their browser asks for.

    `locale` is that of the page, for a browser that names no country.
    """
    first = accept_language.partition(",")[0].partition(";")[0].strip() or locale
    for tag in (first, locale):
        try:
            territory = langcodes.get(tag).maximize().territory
        except LanguageTagError:
            continue
        if territory in phonenumbers.SUPPORTED_REGIONS:
            return str(territory)
    return ""

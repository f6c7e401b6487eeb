"""Parses the e-mail address or phone number for a receipt as users write it. DNS is not queried."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from shared.core import user_input
from shared.core.config import settings

# In the text of a refusal, for providers without an error code for it.
CONTACT_WORDS = re.compile(r"e-?mail|phone|почт|телефон", re.IGNORECASE)
_MAX_LENGTH = 254  # characters, RFC 5321
_DIGITS = range(7, 16)  # of a phone number, E.164
_SEPARATORS = re.compile(r"[^\d+]")
_LOOK_ALIKE = {"LATIN", "CYRILLIC", "GREEK"}  # alphabets with lookalike letters
_AT = re.compile(" ?@ ?")
_TRY = re.compile(r"@|\d(?:\D{0,3}\d){4}")


def parse_contact(written: str) -> str | None:
    """Return the e-mail address or phone number (E.164) in a message; None if it holds none.

    A phone number without a country code is one of PHONE_REGION.
    """
    text = _AT.sub("@", user_input.normalize(written[:1000]))
    if "@" in text:
        words = [word for word in text.split() if "@" in word]
        return _email(words[0]) if len(words) == 1 else None
    return _phone(text)


def looks_like_contact(written: str) -> bool:
    """Whether a message looks like an attempt at an e-mail address or a phone number."""
    return _TRY.search(user_input.normalize(written[:1000])) is not None


def _email(word: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email  # 20 ms to import, used by buyers only

    found = user_input.single_value(word).rpartition(":")[2]  # behind "E-mail:" or mailto:
    name, _, domain = found.partition("@")
    domain = domain.partition("?")[0]
    if _mixes_alphabets(domain):
        return None
    try:
        address = validate_email(
            f"{name}@{domain}", check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError:
        return None
    # Receipts need ASCII; internationalized domains have an ASCII form.
    return address.ascii_email if address.ascii_email and len(address.ascii_email) <= _MAX_LENGTH else None


def _mixes_alphabets(domain: str) -> bool:
    """Whether a label mixes alphabets: the receipt would go to a lookalike domain."""
    return any(
        len({unicodedata.name(letter, "").partition(" ")[0] for letter in label} & _LOOK_ALIKE) > 1
        for label in domain.split(".")
    )


def _phone(text: str) -> str | None:
    import phonenumbers  # 20 ms to import, used by buyers only

    for written in _spellings(text):
        try:
            number = phonenumbers.parse(written, settings().phone_region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def _spellings(text: str) -> Iterator[str]:
    """Yield a number as written, then without the plus, then with one."""
    digits = _SEPARATORS.sub("", text)
    bare = digits.lstrip("+")
    if "+" in bare or len(bare) not in _DIGITS:
        return
    yield digits
    yield bare
    yield "+" + bare.removeprefix("00")

"""Time zones by the names that users know: a city in their language, an offset, an IANA name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from shared.core import texts, user_input

# Those offered as buttons, from west to east, each with the end of its text's key `zone_…`.
COMMON: Mapping[str, str] = {
    "America/Los_Angeles": "los_angeles",
    "America/Chicago": "chicago",
    "America/New_York": "new_york",
    "America/Sao_Paulo": "sao_paulo",
    "Europe/London": "london",
    "Europe/Berlin": "berlin",
    "Europe/Kaliningrad": "kaliningrad",
    "Europe/Moscow": "moscow",
    "Europe/Samara": "samara",
    "Asia/Yekaterinburg": "yekaterinburg",
    "Asia/Kolkata": "kolkata",
    "Asia/Omsk": "omsk",
    "Asia/Novosibirsk": "novosibirsk",
    "Asia/Singapore": "singapore",
    "Asia/Tokyo": "tokyo",
    "Asia/Vladivostok": "vladivostok",
}
# Other zones whose city has a name in each language: those of Russia, which Russian users write in Russian.
_NAMED: Mapping[str, str] = {
    **COMMON,
    "Europe/Astrakhan": "astrakhan",
    "Europe/Kirov": "kirov",
    "Europe/Saratov": "saratov",
    "Europe/Simferopol": "simferopol",
    "Europe/Ulyanovsk": "ulyanovsk",
    "Europe/Volgograd": "volgograd",
    "Asia/Anadyr": "anadyr",
    "Asia/Barnaul": "barnaul",
    "Asia/Chita": "chita",
    "Asia/Irkutsk": "irkutsk",
    "Asia/Kamchatka": "kamchatka",
    "Asia/Khandyga": "khandyga",
    "Asia/Krasnoyarsk": "krasnoyarsk",
    "Asia/Magadan": "magadan",
    "Asia/Novokuznetsk": "novokuznetsk",
    "Asia/Sakhalin": "sakhalin",
    "Asia/Srednekolymsk": "srednekolymsk",
    "Asia/Tomsk": "tomsk",
    "Asia/Ust-Nera": "ust_nera",
    "Asia/Yakutsk": "yakutsk",
}
# Large cities after which no zone is named, and other names of a zone's city.
_ALSO: Mapping[str, str] = {
    "Europe/Moscow": """
        Санкт-Петербург, Петербург, Питер, Казань, Нижний Новгород, Ростов-на-Дону, Краснодар, Воронеж, Сочи,
        Севастополь, Махачкала, Тула, Ярославль, Рязань, Пенза, Липецк, Набережные Челны, Архангельск,
        Мурманск, St Petersburg, Saint Petersburg, St. Petersburg, Kazan, Nizhny Novgorod, Rostov-on-Don,
        Krasnodar, Voronezh, Sochi
    """,
    "Europe/Samara": "Тольятти, Ижевск, Tolyatti, Izhevsk",
    "Asia/Yekaterinburg": """
        Челябинск, Уфа, Пермь, Тюмень, Оренбург, Магнитогорск, Сургут, Ханты-Мансийск, Chelyabinsk, Ufa, Perm,
        Tyumen, Orenburg, Surgut
    """,
    "Asia/Novokuznetsk": "Кемерово, Kemerovo",
    "Asia/Irkutsk": "Улан-Удэ, Ulan-Ude",
    "Asia/Yakutsk": "Благовещенск, Blagoveshchensk",
    "Asia/Vladivostok": "Хабаровск, Комсомольск-на-Амуре, Khabarovsk",
    "Asia/Sakhalin": "Сахалин",
    "Asia/Kamchatka": "Камчатка",
}
_REGIONS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
_OFFSET = re.compile(r"(?:utc|gmt)? ?([+-])([0-9]{1,2})(?::?(00|30|45))?", re.IGNORECASE)
# Offsets that are no whole hours, where the clocks are not changed; `Etc/` has none.
_FRACTIONS: Mapping[str, str] = {
    "-9:30": "Pacific/Marquesas",
    "+3:30": "Asia/Tehran",
    "+4:30": "Asia/Kabul",
    "+5:30": "Asia/Kolkata",
    "+5:45": "Asia/Kathmandu",
    "+6:30": "Asia/Yangon",
    "+8:45": "Australia/Eucla",
    "+9:30": "Australia/Darwin",
}
_LONGEST = 64  # characters of a name


def city(language: str, zone: str) -> str:
    """Return a zone's city: in the user's language where we know it, else as its IANA name has it."""
    if zone in _NAMED:
        return texts.text(language, f"zone_{_NAMED[zone]}")
    return zone.rpartition("/")[2].replace("_", " ")


def label(language: str, zone: str, now: datetime) -> str:
    """Return a zone with its offset at a moment: "Berlin (UTC+2)"; one that is an offset: "UTC+3"."""
    offset = _offset(zone, now)
    if zone == "UTC" or zone.startswith("Etc/"):
        return f"UTC{offset}"
    return texts.text(language, "zone_offset", city=city(language, zone), offset=offset)


def _offset(zone: str, now: datetime) -> str:
    """Return an offset from UTC: "+3", "−3:30", or nothing."""
    minutes = round((now.astimezone(ZoneInfo(zone)).utcoffset() or now - now).total_seconds() / 60)
    if not minutes:
        return ""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02}" if rest else "")


def find(written: str) -> str | None:
    """Return the IANA name of the zone that a user means; None where there is none such."""
    name = user_input.single_value(written.replace("−", "-").replace("–", "-"))
    if not name or len(name) > _LONGEST:
        return None
    if name.casefold() in ("utc", "gmt"):
        return "UTC"
    if match := _OFFSET.fullmatch(name):
        return _of_offset(match[1], int(match[2]), match[3] or "00")
    return _known().get(_key(name))


def _of_offset(sign: str, hours: int, minutes: str) -> str | None:
    """Return the zone of an offset. POSIX counts hours westwards: Etc/GMT-3 is UTC+3."""
    if minutes != "00":
        return _FRACTIONS.get(f"{sign}{hours}:{minutes}")
    if not hours:
        return "UTC"
    return f"Etc/GMT{'-' if sign == '+' else '+'}{hours}" if hours <= (14 if sign == "+" else 12) else None


def _key(name: str) -> str:
    return re.sub(r"[ _-]+", " ", name).strip().casefold().replace("ё", "е")


@lru_cache(maxsize=1)
def all_zones() -> tuple[str, ...]:
    """Return the zones of all regions by IANA name."""
    return tuple(sorted(zone for zone in available_timezones() if zone.partition("/")[0] in _REGIONS))


@lru_cache(maxsize=1)
def _known() -> Mapping[str, str]:
    """Return zones by city, by IANA name, and those with texts by their names in each language."""
    zones = all_zones()
    known = dict(_by_key((zone.rpartition("/")[2], zone) for zone in zones))
    known |= dict(_by_key((zone, zone) for zone in zones))
    for code in sorted(texts.codes()):
        known |= dict(_by_key((city(code, zone), zone) for zone in _NAMED))
    for zone, names in _ALSO.items():
        known |= dict(_by_key((name, zone) for name in names.split(",")))
    return known


def _by_key(named: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return ((_key(name), zone) for name, zone in named)

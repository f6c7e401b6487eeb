"""Time zones are found by the names that users write, and are shown with their offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from shared.features.xp import zone_names

# The rows of Russia in zone1970.tab of the IANA database.
RUSSIA = """
    Europe/Kaliningrad Europe/Moscow Europe/Simferopol Europe/Kirov Europe/Volgograd Europe/Astrakhan
    Europe/Saratov Europe/Ulyanovsk Europe/Samara Asia/Yekaterinburg Asia/Omsk Asia/Novosibirsk Asia/Barnaul
    Asia/Tomsk Asia/Novokuznetsk Asia/Krasnoyarsk Asia/Irkutsk Asia/Chita Asia/Yakutsk Asia/Khandyga
    Asia/Vladivostok Asia/Ust-Nera Asia/Magadan Asia/Sakhalin Asia/Srednekolymsk Asia/Kamchatka Asia/Anadyr
"""
SUMMER, WINTER = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("Berlin", "Europe/Berlin"),
        (" «берлин». ", "Europe/Berlin"),
        ("Нью Йорк", "America/New_York"),
        ("new york", "America/New_York"),
        ("Дели", "Asia/Kolkata"),
        ("томск", "Asia/Tomsk"),
        ("Барнаул", "Asia/Barnaul"),
        ("Кемерово", "Asia/Novokuznetsk"),
        ("Владивосток", "Asia/Vladivostok"),
        ("петропавловск камчатский", "Asia/Kamchatka"),
        ("Южно-Сахалинск", "Asia/Sakhalin"),
        ("Санкт-Петербург", "Europe/Moscow"),
        ("улан-удэ", "Asia/Irkutsk"),
        ("asia/ho_chi_minh", "Asia/Ho_Chi_Minh"),
        ("Port of Spain", "America/Port_of_Spain"),
        ("São Paulo", "America/Sao_Paulo"),
        ("UTC", "UTC"),
        ("utc+3", "Etc/GMT-3"),
        ("GMT −5", "Etc/GMT+5"),
        ("+14:00", "Etc/GMT-14"),
        ("+0", "UTC"),
        ("+15", None),
        ("-13", None),
        ("+05:30", "Asia/Kolkata"),
        ("UTC+5:45", "Asia/Kathmandu"),
        ("GMT −9:30", "Pacific/Marquesas"),
        ("+0330", "Asia/Tehran"),
        ("-3:30", None),
        ("+2:45", None),
        ("+5:15", None),
        ("../etc/passwd", None),
        ("Europe", None),
        ("", None),
        ("a" * 2000, None),
    ],
)
def test_a_zone_is_found_by_what_a_user_writes(written: str, zone: str | None) -> None:
    assert zone_names.find(written) == zone


def test_a_zone_is_shown_in_the_users_language_with_its_offset_of_the_moment() -> None:
    assert zone_names.label("ru", "Europe/Berlin", SUMMER) == "Берлин (UTC+2)"
    assert zone_names.label("en", "Europe/Berlin", WINTER) == "Berlin (UTC+1)"
    assert zone_names.label("en", "Asia/Kolkata", WINTER) == "Delhi (UTC+5:30)"
    assert zone_names.label("en", "America/St_Johns", WINTER) == "St Johns (UTC−3:30)"
    assert zone_names.label("en", "Europe/London", WINTER) == "London (UTC)"
    assert zone_names.label("ru", "Etc/GMT-3", SUMMER) == "UTC+3"
    assert zone_names.label("ru", "UTC", SUMMER) == "UTC"


def test_each_zone_of_russia_is_found_by_its_city_in_russian() -> None:
    zones = [zone for zone in RUSSIA.split() if zone in available_timezones()]
    assert len(zones) >= 25
    for zone in zones:
        name = zone_names.city("ru", zone)
        assert re.fullmatch(r"[А-Яа-яё-]+", name), zone
        assert zone_names.find(name) == zone

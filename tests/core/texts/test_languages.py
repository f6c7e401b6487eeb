"""Every language has all texts, the same values in each, and all plural forms."""

from __future__ import annotations

import ast
import re
import string
from collections import Counter
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest

from shared import bots
from shared.ai.modes import MODES
from shared.core import texts
from shared.core.errors import AIError
from shared.core.texts import figures
from shared.payments import providers
from tests.support import for_each

ROOT = Path(__file__).parents[3]
CODES = sorted(path.stem for path in (ROOT / "shared/core/texts").glob("??.py"))
FIELD = re.compile(r"\{(\w+)((?:\|[^|{}]*)*)\}")


def test_russian_and_english_exist() -> None:
    assert {"ru", "en"} <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_language_has_every_text_and_no_other(code: str) -> None:
    everything = {key for other in CODES for key in texts.table(other)}
    missing = everything - set(texts.table(code))
    assert not missing, f"{code}.py of the folders texts lacks {sorted(missing)}"


@pytest.mark.parametrize("code", CODES)
def test_a_key_stands_in_one_package_only(code: str) -> None:
    homes = Counter(key for package in texts.packages() for key in import_module(f"{package}.{code}").TEXTS)
    assert not [key for key, count in homes.items() if count > 1], "the last package would win in every bot"


@pytest.mark.parametrize("code", CODES)
@for_each("key", sorted(texts.table("en")))
def test_a_text_names_the_same_values_in_every_language(code: str, key: str) -> None:
    def fields(text: str) -> set[str]:
        return {match[1] for match in FIELD.finditer(text)}

    assert fields(texts.table(code)[key]) == fields(texts.table("en")[key])


@pytest.mark.parametrize("code", CODES)
def test_every_number_has_as_many_words_as_the_language_has_forms(code: str) -> None:
    language = texts.language(code)
    forms = max(language.plural(number) for number in range(200)) + 1
    for key, template in texts.table(code).items():
        for match in FIELD.finditer(template):
            if match[2]:
                assert match[2].count("|") == forms, f"{code}: {key}"


@pytest.mark.parametrize("code", CODES)
def test_every_command_mode_and_failure_has_its_text(code: str) -> None:
    needed = {f"mode_{key}" for key in MODES} | {f"mode_{key}_about" for key in MODES}
    for name in bots.names():
        needed |= {f"command_{command}" for command in bots.load(name).commands()}
    needed |= {f"provider_{key}" for key in providers.names()}
    classes = [AIError, *AIError.__subclasses__()]
    needed |= {cls.text_key for cls in classes}
    missing = needed - set(texts.table(code))
    assert not missing, f"add {sorted(missing)} to {code}.py of its folder texts"


def _of_a_kind(key: str) -> str:
    """Return what code that is the same for pictures and videos names a text of a kind by."""
    if match := re.fullmatch(r"(?:image|video)_(\w+)", key):
        return rf"[\"']{match[1]}[\"']"  # kind.key("price")
    return re.sub(r"^(?:images|videos)_", "history}_", key)  # f"{kind.history}_page"


def test_every_text_is_used_somewhere() -> None:
    code = "\n".join(
        path.read_text()
        for folder in ("shared", "tools/telegram", "supabase/schemas")
        for path in (ROOT / folder).rglob("*.*")
        if path.suffix in (".py", ".sql", ".html") and path.parent.name != "texts"
    )
    # Keys that are put together from a name; those of money from what SQL tells.
    made = (
        "command_",
        "quiz_topic_",
        "mode_",
        "plan_",
        "section_",
        "upgrade_option_",
        "provider_",
        "paid_",
        "payment_",
        "ends_",
    )
    made += ("course_tier_", "course_offer_", "course_certificate_", "course_quiz_", "course_homework_")
    made += ("crm_by_", "crm_band_", "crm_stage_", "crm_field_", "crm_sign_")
    made += ("course_by_", "course_release_", "course_source_", "course_file_")
    made += (
        "course_question_",
        "generation_",
        "renewal_",
        "subscription_renewal_",
        "subscription_alarm_",
        "profile_renewal_",
        "refund_result_",
        "audit_",
        "trial_",
        "trainings_",
    )
    made += (
        "welcome_",
        "prompt_",
        "cannot_quiz",
        "trainer_line_",
        "trainer_why_",
        "trainer_bonus_",
        "trainer_mark_",
    )
    made += ("trainer_dispute_", "team_state_", "team_column_", "team_passed_", "team_assigned_")
    made += ("admin_models_", "admin_model_", "admin_button_model_")
    made += ("team_practice_button", "team_exam_button")
    made += tuple(f"trainer_{name}_replies" for name in ("drill", "start", "send_first"))
    made += (
        "image_stop_",
        "video_stop_",
        "media_chosen_",
        "media_sound_",
        "media_quality_",
        "media_aspect_",
        "media_size_",
    )
    made += ("media_shape_",)
    made += ("picture_", "document_")  # why a file cannot be read
    made += tuple(f"trainer_{name}" for name in ("easy", "medium", "hard"))
    made += ("buy_group_", "buy_auto_", "buy_method_", "buy_pay_", "balance_paid_", "help_")
    made += (
        "level_name_",
        "bot_name_",
        "bot_about_",
        "bot_about_",
        "badge_",
        "top_period_",
        "top_board_",
        "top_starts_",
    )
    made += ("mini_app_", "login_way_", "login_confirmed", "login_wrong_code", "login_decided")
    made += ("account_group_", "account_part_", "remind_page_")
    made += ("zone_", "session_", "undo_", "health_", "web_error_")
    broadcasts = (
        "kind status activity band figure unit after event left media who sequence delete pause resume"
    )
    broadcasts += " cancel approve return source"
    made += tuple(f"broadcast_{what}_" for what in broadcasts.split())
    made += ("order_", "shop_pay_", "balance_reason_", "subscription_cancel")
    made += ("admin_price_", "admin_text_", "admin_product_gives_", "admin_undo_", "undone_", "gift_")
    made += (
        "promo_batch_",
        "gate_",
        "web_gate_",
        "admin_access_",
        "admin_maintenance_",
        "admin_button_access_",
    )
    made += (
        "admin_button_maintenance_",
        "staff_role_",
        "staff_refused_",
        "staff_given_",
        "staff_joined_",
        "staff_audit_",
    )
    made += ("analytics_", "database_kept_")
    made += (
        "staff_role_",
        "staff_refused_",
        "staff_given_",
        "staff_joined_",
        "staff_audit_",
        "staff_access_",
    )
    made += ("knowledge_state_", "knowledge_reason_", "knowledge_ai_")
    made += (
        "learn_homework_",
        "learn_watched_",
        "learn_button_",
        "learn_opened_",
        "learn_quiz_",
        "learn_ask_",
        "learn_certificate_",
    )
    made += tuple(
        f"messenger_{what}_"
        for what in (
            *("view", "band", "handler", "by", "kind", "event", "status", "reason", "unreachable", "snooze"),
            *("ai", "color", "key", "tag"),
            *("plan", "balance", "give", "reset", "ban", "unban"),
        )
    )
    made += tuple(f"admin_{what}_" for what in ("payment_status", "payments", "problem", "given", "refund"))
    quoted = set(re.findall(r"(?<=[\"'])\w+(?=[\"'])", code))  # searching for each key takes seconds
    unused = [
        key
        for key in texts.table("en")
        if not key.startswith(made) and key not in quoted and not re.search(_of_a_kind(key), code)
    ]
    assert not unused, f"no code uses {unused}: remove them from shared/core/texts"


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (0, "запросов"),
        (1, "запрос"),
        (2, "запроса"),
        (5, "запросов"),
        (11, "запросов"),
        (14, "запросов"),
        (21, "запрос"),
        (22, "запроса"),
        (25, "запросов"),
        (111, "запросов"),
        (1001, "запрос"),
    ],
)
def test_russian_numbers_take_the_right_word(number: int, word: str) -> None:
    assert (
        texts.text("ru", "admin_given_credits", quantity=number) == f"{figures.number('ru', number)} {word}"
    )


def test_amounts_have_separators_and_identifiers_have_none() -> None:
    assert texts.text("en", "menu_left", left=1000, limit=12345) == "Requests left today: 1,000 of 12,345"
    assert texts.text("ru", "menu_left", left=1000, limit=12345).endswith("1\u00a0000 из 12\u00a0345")
    assert texts.text("en", "admin_given_balance", quantity=Decimal("1234.5")) == "1,234.5 to the balance"
    assert texts.text("en", "admin_button_refund", money="1000") == "↩️ Refund 1000", "written already"
    line = texts.text("en", "admin_payment", id=12345, money="$5", status="paid")
    assert "12345" in line


def test_values_are_never_parsed_as_markup() -> None:
    text, entities = texts.rich("en", "welcome", name="**Eve** `x` {limit}", limit=1)
    assert "**Eve** `x` {limit}!" in text
    assert [entity["type"] for entity in entities] == ["bold"]


def test_offsets_count_utf16_units() -> None:
    text, entities = texts.rich("en", "promo_expired", code="😀")
    units = text.encode("utf-16-le")
    marked = [units[e["offset"] * 2 : (e["offset"] + e["length"]) * 2].decode("utf-16-le") for e in entities]
    assert marked == ["😀"]


def test_texts_have_no_loose_markup_and_end_cleanly() -> None:
    for code in CODES:
        for key, template in texts.table(code).items():
            plain = "".join(piece.content for piece in texts._pieces(code, key))
            assert "**" not in plain and "`" not in plain, f"{code}: {key}"
            assert not template.endswith(tuple(string.whitespace)), f"{code}: {key}"


@pytest.mark.parametrize("code", CODES)
def test_every_sql_problem_and_state_has_a_text(code: str) -> None:
    """Every name that SQL may return has a text wherever admins read it."""
    tables = ROOT / "supabase/schemas/tables/payments"

    def allowed(table: str, column: str) -> list[str]:
        check = re.search(rf"check \({column} in \(([^)]*)\)", (tables / f"{table}.sql").read_text())
        assert check is not None, f"{table}.{column}"
        return re.findall(r"'(\w+)'", check[1])

    problems, states = allowed("payments", "problem"), allowed("refunds", "status")
    needed = {f"{start}_{name}" for name in problems for start in ("payment_alarm", "admin_problem")}
    needed |= {f"admin_payments_{name}" for name in problems}
    needed |= {f"admin_refund_{what}_{name}" for name in (*states, "accepted") for what in ("state", "is")}
    needed |= {f"refund_result_{name}" for name in states if name != "open"}
    needed |= {f"admin_payment_status_{name}" for name in allowed("payments", "status")}
    needed |= {
        f"admin_given_{name}"
        for name in allowed("payment_effects", "effect")
        if name not in ("commission", "second_commission")
    }
    missing = needed - set(texts.table(code))
    assert not missing, f"add {sorted(missing)} to {code}.py of its folder texts"


@pytest.mark.parametrize("code", CODES)
def test_every_reason_against_a_price_or_a_title_has_a_text(code: str) -> None:
    admins = ROOT / "supabase/schemas/functions/admins"
    price = (admins / "check_price.sql").read_text().partition("as $$")[2]
    reasons = set(re.findall(r"'reason', '(\w+)'|\"reason\": \"(\w+)\"", price))
    needed = {f"admin_price_{one or two}" for one, two in reasons}
    text = (admins / "check_product_text.sql").read_text().partition("as $$")[2]
    needed |= {f"admin_text_title_{reason}" for reason in re.findall(r"then '(\w+)'", text)}
    needed |= {"admin_text_description_long", "admin_text_description_characters"}
    assert len(needed) == 11
    assert needed <= set(texts.table(code))


def calls_of_texts() -> list[tuple[str, str, set[str]]]:
    """Return (place, key, names of the values given) for each text that code asks for by a literal key."""
    known = texts.table("en")
    found = []
    for path in sorted((ROOT / "shared").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            keys = [
                one.value for one in node.args[:2] if isinstance(one, ast.Constant) and one.value in known
            ]
            given = {keyword.arg for keyword in node.keywords}
            if node.func.attr in ("rich", "text") and keys and None not in given:
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                found.append((place, str(keys[0]), {str(one) for one in given}))
    return found


def test_every_value_of_a_text_is_given_where_it_is_asked_for() -> None:
    calls = calls_of_texts()
    assert len(calls) > 300
    for place, key, given in calls:
        missing = set(re.findall(r"\{(\w+)", texts.table("en")[key])) - given
        assert not missing, f"{place}: give {key} the values {sorted(missing)}"

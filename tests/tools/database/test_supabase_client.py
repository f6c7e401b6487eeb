"""Every function that docs/integration.md promises, called with the official client over the REST API."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.first_server import create_synced
from tests.sql_results import faults_of
from tools.database import schemas
from tools.database.embedded import Server
from tools.emulator.supabase_rest import RestServer, make_key

# The client itself passes parameters that its own parts call deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:supabase")

SERVICES = Path(__file__).parents[3] / "docs" / "integration.md"
PROMISED = re.findall(r"^\| `(\w+)\(", SERVICES.read_text(encoding="utf-8"), re.MULTILINE)
SECRET = "a secret of this test, long enough"
ADMIN = {"p_admin_email": "olga@example.com"}
PRODUCT = "premium_month"
MODEL = "no-such-model"  # the key of one is derived from its row; the answer is null
# What each function is called with, after the two users and the admin that `database` makes. Order matters:
# the last ones refer to what earlier ones did.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "get_or_create_user": {"p_telegram_id": 7003, "p_first_name": "Vera", "p_language_code": "ru"},
    "set_user_language": {"p_telegram_id": 7003, "p_language": "en"},
    "count_users": {},
    "save_user_session": {"p_telegram_id": 7003, "p_bot": "course", "p_session": {"lesson": 2}},
    "get_user_session": {"p_telegram_id": 7003, "p_bot": "course"},
    "reset_user_session": {"p_telegram_id": 7003, "p_bot": "course"},
    "grant_subscription": {"p_telegram_id": 7003, "p_kind": "month", "p_reference": "course:1"},
    "grant_trainings": {"p_telegram_id": 7003, "p_reference": "course:1"},
    "check_access": {"p_telegram_id": 7001},
    "consume_access": {"p_telegram_id": 7001, "p_reference": "client:1"},
    "trial_offer": {"p_user_id": 1},
    "start_trial": {"p_user_id": 1},
    "adjust_balance": {
        "p_telegram_id": 7001, "p_amount": "10.50", "p_reason": "shop", "p_reference": "shop:1"
    },
    "award_xp": {
        "p_telegram_id": 7001, "p_bot": "spin", "p_rule": "training_finished", "p_reference": "spin:1",
        "p_points": 150
    },
    "award_badge": {"p_telegram_id": 7001, "p_bot": "spin", "p_badge": "spin_master"},
    "get_user_badges": {"p_telegram_id": 7001},
    "has_badge": {"p_telegram_id": 7001, "p_badge": "spin_master"},
    "count_badges": {"p_telegram_id": 7001, "p_bot": "spin"},
    "get_leaderboard": {"p_limit": 5, "p_board": "spin", "p_period": "week"},
    "get_user_rank": {"p_telegram_id": 7001},
    "save_training_history": {
        "p_telegram_id": 7001, "p_bot": "course", "p_reference": "course:9",
        "p_training": {"scenario": "cold_call", "score": 9, "clarity_level": 9, "question_count": 5},
    },
    "update_user_stats_after_training": {"p_telegram_id": 7001, "p_bot": "course"},
    "get_training_history": {"p_telegram_id": 7001},
    "redeem_promocode": {"p_user_id": 1, "p_code": "WELCOME", "p_reference": "client:2"},
    "complete_referral": {"p_user_id": 1, "p_referral_code": "missing"},
    "top_referrers": {"p_since": "2026-01-01T00:00:00Z"},
    "get_user_usage_stats": {"p_user_id": 1},
    "count_active_sessions": {"p_minutes": 60},
    "check_payments": {},
    "check_generations": {},
    "payment_statement": {},
    "check_balances": {},
    "admin_overview": ADMIN,
    "admin_revenue": ADMIN,
    "admin_health": ADMIN,
    "admin_database_overview": ADMIN,
    "admin_migration_history": {"p_limit": 3, **ADMIN},
    "admin_bot_stats": ADMIN,
    "admin_funnel": ADMIN,
    "admin_find_user": {"p_identifier": "7001", **ADMIN},
    "admin_search_users": {"p_query": "Anna", **ADMIN},
    "admin_add_bonus_credits": {"p_user_id": 1, "p_credits": 5, **ADMIN},
    "admin_give_trainings": {"p_user_id": 1, "p_quantity": 2, **ADMIN},
    "admin_adjust_balance": {"p_user_id": 1, "p_amount": "1.25", **ADMIN},
    "admin_adjust_xp": {"p_user_id": 1, "p_points": 10, **ADMIN},
    "admin_award_badge": {"p_user_id": 1, "p_badge": "story", "p_bot": "", **ADMIN},
    "admin_revoke_badge": {"p_user_id": 1, "p_badge": "story", "p_bot": "", **ADMIN},
    "admin_undo": {"p_audit_id": 1, "p_reference": "client:3", **ADMIN},
    "admin_reset_user_usage": {"p_user_id": 1, **ADMIN},
    "admin_set_plan": {"p_user_id": 1, "p_plan": "PREMIUM", "p_days": 30, **ADMIN},
    "admin_ban_user": {"p_user_id": 2, "p_reason": "spam", **ADMIN},
    "admin_unban_user": {"p_user_id": 2, **ADMIN},
    "admin_create_promocode": {"p_code": "CLIENT", "p_kind": "credits", "p_value": 3, **ADMIN},
    "admin_switch_promocode": {"p_code": "CLIENT", "p_is_active": False, **ADMIN},
    "admin_promocodes": ADMIN,
    "admin_products": ADMIN,
    "admin_set_prices": {"p_key": PRODUCT, "p_prices": {"USD": "9.99"}, **ADMIN},
    "admin_set_product_texts": {
        "p_key": PRODUCT, "p_language": "en", "p_title": "Plus", "p_description": "More", **ADMIN
    },
    "admin_switch_product": {"p_key": PRODUCT, "p_is_active": False, "p_reference": "client:4", **ADMIN},
    "admin_refund_payment": {"p_payment_id": 1, "p_amount": "1.00", "p_reference": "client:5", **ADMIN},
    "admin_payment": {"p_identifier": "1", "p_providers": ["stripe"], **ADMIN},
    "admin_payments": ADMIN,
    "admin_check": ADMIN,
    "admin_statement": ADMIN,
    "admin_audit": ADMIN,
    "admin_models": ADMIN,
    "admin_switch_model": {"p_key": MODEL, "p_is_active": True, "p_reference": "client:6", **ADMIN},
    "admin_set_mode_model": {"p_mode": "nano_banana", "p_key": MODEL, "p_reference": "client:7", **ADMIN},
}  # fmt: skip


@pytest.fixture(scope="module")
def client_url(server: Server) -> Iterator[str]:
    """A migrated database with products, two users, an admin and a payment, as its superuser."""
    owner_url = create_synced(server, "client")
    schemas.seed(owner_url)
    url = server.url("client", "supabase_admin")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into public.users (telegram_id, first_name) values (7001, 'Anna'), (7002, 'Ben')"
        )
        connection.execute("insert into public.admins (email) values ('olga@example.com')")
        connection.execute(
            "insert into public.payments (provider, provider_payment_id, user_id, status, currency, amount) "
            "values ('stripe', 'pi_1', 1, 'completed', 'USD', 5)"
        )
    yield url
    server.drop_database("client")


@pytest.fixture(scope="module")
def connect_as(client_url: str) -> Iterator[Callable[[str], Any]]:
    """`connect_as("service_role")` is a client with the key of that role."""
    with RestServer(client_url, SECRET) as rest:
        yield lambda role: client_of(rest, make_key(role, SECRET))


def client_of(rest: RestServer, key: str) -> Any:
    """Return the official client, whose import takes half a second that other workers need not spend."""
    from supabase import create_client

    return create_client(rest.url, key)


def refusal(client: Any, name: str, arguments: dict[str, Any]) -> Any:
    """Call a function that the server refuses; return the error."""
    from postgrest.exceptions import APIError

    with pytest.raises(APIError) as refused:
        client.rpc(name, arguments).execute()
    return refused.value


def test_each_promised_function_has_arguments_here() -> None:
    assert sorted(ARGUMENTS) == sorted(PROMISED)


def test_the_service_calls_each_promised_function(connect_as: Callable[[str], Any]) -> None:
    client = connect_as("service_role")
    faults = []
    for name, arguments in ARGUMENTS.items():
        result = client.rpc(name, arguments).execute().data
        faults += faults_of(name, result)
    assert faults == []


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_other_keys_may_call_none(connect_as: Callable[[str], Any], role: str) -> None:
    client = connect_as(role)
    for name in PROMISED:
        assert refusal(client, name, ARGUMENTS[name]).code == "42501", name


def test_the_service_may_call_nothing_else(connect_as: Callable[[str], Any]) -> None:
    client = connect_as("service_role")
    assert refusal(client, "stale_updates", {"p_limit": 0}).code == "42501"


def test_a_key_that_another_project_signed_is_refused(client_url: str) -> None:
    with RestServer(client_url, SECRET) as rest:
        client = client_of(rest, make_key("service_role", "another secret"))
        assert refusal(client, "check_balances", {}).code == "PGRST301"


def test_a_refusal_has_the_code_of_docs_error_codes(connect_as: Callable[[str], Any]) -> None:
    client = connect_as("service_role")
    assert refusal(client, "admin_overview", {"p_admin_email": "eve@example.com"}).code == "N0001"

"""./switchboard setup from a new project to a bot that answers, with fakes as strict as the real programs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.support import eventually
from tests.tools.setup import programs
from tests.tools.setup.conftest import PASSWORD, PROJECT, Answers, Done, World
from tools.cloud.gcloud import CloudError, Gcloud
from tools.setup import answers, layout
from tools.setup import main as wizard

AI_KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
STRIPE_KEY, STRIPE_WEBHOOK = "sk_test_emulator", "whsec_emulator"
URL = f"https://europe-west3-{PROJECT}.cloudfunctions.net"
DIRECT = "postgresql://postgres:secret-of-mine@db.abcdefghijklmnopqrst.supabase.co:5432/postgres"
NO_REFERENCE = "postgresql://postgres:secret-of-mine@aws-0-eu-central-1.pooler.supabase.com:6543/postgres"


def typed(world: World, changed: Answers | None = None) -> Answers:
    """Return an owner's answers by question; `changed` replaces some of them."""
    return {
        "Project id": [PROJECT],
        "Create the project": ["y"],
        "Billing account": [""],
        f"Bill {PROJECT}": ["y"],
        "Run them?": [""],
        "Region": [""],
        "Supabase project": ["other"],
        "Address of the database": [world.owner_url],
        "Database password": [PASSWORD],
        "Token for the bot assistant": [world.telegram.bot("assistant").token],
        "Token for the bot quiz": [""],
        "Token for the bot spin": [""],
        "AI provider": [""],
        "OpenAI API key": [AI_KEY],
        "May users": ["yes"],
        "Payment providers": ["stripe"],
        "STRIPE_SECRET_KEY": [STRIPE_KEY],
        "STRIPE_WEBHOOK_SECRET": [STRIPE_WEBHOOK],
        "Use them anyway": ["y"],  # test keys in production
        "Public key of your backups": ["age1" + "q" * 58],
        "Admin email": ["olga@example.com"],
        "Is Olga": ["y"],
        "Bot language": ["en"],
        "Contact": ["@help_desk"],
        "Link to your terms": [""],
        "Deploy now": [""],
    } | (changed or {})


@pytest.fixture
def olga(world: World) -> Any:
    """Return the admin, who has started the bot."""
    olga = world.telegram.user("Olga", "en")
    olga.chat("assistant").send("/start")
    return olga


def texts(user: Any) -> list[str]:
    """Return the texts that the bot sent to a user."""
    return [answer.text for answer in user.chat("assistant").answers()]


def webhook(world: World) -> str:
    """Return the URL of the bot's webhook."""
    return str(world.telegram.request("assistant", "getWebhookInfo", {})["url"])


def test_a_new_project_becomes_a_bot_that_answers(world: World, olga: Any) -> None:
    done = world.run(typed(world))
    assert done.status == 0, done.output[-3000:] + done.errors
    # The cloud is as deploy.yaml wants it: the fake's build refuses anything that is missing.
    assert set(world.project["functions"]) == set(layout.FUNCTIONS)
    assert world.project["builds"][0]["substitutions"] == {
        "_REGION": "europe-west3",
        "_ENVIRONMENT": "production",
        "_CHAT_PROVIDER": "openai",
        "_DEFAULT_LANGUAGE": "en",
        "_ADMIN_EMAILS": "olga@example.com",
        "_ADMIN_TELEGRAM_IDS": str(olga.id),
        "_SUPPORT_CONTACT": "@help_desk",
        "_PAYMENT_SECRETS": "STRIPE_SECRET_KEY,STRIPE_WEBHOOK_SECRET",
        "_BACKUP_PLACE": f"gs://{PROJECT}-switchboard-backups/production",
        "_BACKUP_RECIPIENT": "age1" + "q" * 58,
        "_TOKEN_ENCRYPTION_KEYS_VERSION": "latest",
    }
    assert set(world.project["buckets"]) == {
        f"gs://{PROJECT}-switchboard-backups", f"gs://{PROJECT}-switchboard-source",
    }  # fmt: skip
    # The owner's password went in escaped, bot_backend got another one.
    admin = urlsplit(world.secret("DATABASE_ADMIN_URL"))
    assert (admin.username, unquote(admin.password or "")) == ("wizard", PASSWORD)
    backend = urlsplit(world.secret("DATABASE_URL"))
    assert backend.username == "bot_backend"
    assert re.fullmatch(r"[0-9a-f]{48}", backend.password or "")
    assert json.loads(world.secret("BOT_TOKENS")) == {"assistant": world.telegram.bot("assistant").token}
    assert len(world.secret("USER_HASH_KEY")) == 64
    # Telegram sends updates there, and the admin got a message.
    assert world.telegram.request("assistant", "getWebhookInfo", {})["url"] == f"{URL}/telegram/assistant"
    assert "Your bot is live" in texts(olga)[-1]
    assert "US dollars a month" in done.output
    assert re.search(r"Ready after 0 min \d+ s", done.output)
    _check_secrecy(world, done)
    _check_shown(world, done)
    _check_second_run(world, olga)


@pytest.mark.slow
def test_separate_processes_give_the_same_result(world: World, olga: Any) -> None:
    done = world.start(typed(world))
    assert done.status == 0, done.output[-3000:] + done.errors
    assert set(world.project["functions"]) == set(layout.FUNCTIONS)
    _check_secrecy(world, done)
    _check_shown(world, done)


def _check_secrecy(world: World, done: Done) -> None:
    """Check that no secret is on the screen, in an argument or in the file of answers."""
    everywhere = done.output + done.errors + json.dumps(world.calls) + world.answers.read_text()
    values = [value for held in world.project["secrets"].values() for value in held["versions"]]
    assert len(values) == 9
    for value in [*values, PASSWORD, world.telegram.bot("assistant").token]:
        assert value not in everywhere
    assert world.answers.stat().st_mode & 0o077 == 0


def _check_shown(world: World, done: Done) -> None:
    """Check that every gcloud call was shown before it ran and that no step repeats one."""
    policies = Counter(tuple(call) for call in world.calls if "get-iam-policy" in call)
    assert set(policies.values()) == {1}
    for call in world.calls:
        assert " ".join(word for word in call if word != "--quiet") in done.output.replace("'", "")


def _check_second_run(world: World, olga: Any) -> None:
    """Check that another run asks and changes nothing."""
    before, messages = world.cloud, texts(olga)
    again = world.run({})
    assert again.status == 0, again.output + again.errors
    assert (world.cloud, texts(olga), again.asked) == (before, messages, [])
    assert "  + " not in again.output
    assert again.output.count("  done\n") == 16  # all but the cost, which is printed each time


def test_changed_answers_and_a_newer_checkout_are_deployed(world: World, olga: Any) -> None:
    assert world.run(typed(world, {"Payment providers": ["-"]})).status == 0
    # Enter keeps every answer but the one that is changed; a function's settings do not show it.
    kept = {
        "AI provider": [""], "May users": [""], "Admin email": [""], "Admin Telegram ID": [""],
        "Bot language": [""], "Contact": [""], "Link to your terms": [""],
    }  # fmt: skip
    changed = world.run(typed(world, {**kept, "Payment providers": ["stripe"]}), "--ask-again")
    assert changed.status == 0, changed.output[-2000:] + changed.errors
    first, second = (build["substitutions"] for build in reversed(world.project["builds"]))
    assert second == first | {"_PAYMENT_SECRETS": "STRIPE_SECRET_KEY,STRIPE_WEBHOOK_SECRET"}
    assert world.run(typed(world, {**kept, "Payment providers": [""]}), "--ask-again").status == 0
    assert len(world.project["builds"]) == 2  # nothing changed
    deployed = world.run({"Deploy now": [""]}, "--deploy")
    assert (deployed.status, deployed.asked) == (0, ["Deploy now? [Y/n]:"])
    assert [build["substitutions"] for build in world.project["builds"]] == [second, second, first]


def test_a_webhook_that_leaves_updates_out_is_set_again(world: World, olga: Any) -> None:
    assert world.run(typed(world)).status == 0
    wanted = world.telegram.request("assistant", "getWebhookInfo", {})
    world.telegram.request("assistant", "setWebhook", {"url": wanted["url"], "allowed_updates": ["message"]})
    done = world.run({})
    assert done.status == 0, done.output[-2000:] + done.errors
    assert "  + ./switchboard telegram set-webhooks" in done.output
    kinds = world.telegram.request("assistant", "getWebhookInfo", {})["allowed_updates"]
    assert {"message", "callback_query", "pre_checkout_query"} <= set(kinds)


def test_wrong_answers_are_asked_again_at_once(world: World, olga: Any) -> None:
    token = world.telegram.bot("assistant").token
    wrong = typed(
        world,
        {
            "Project id": ["My Project", PROJECT],
            "Region": ["moon-1", "europe-north1", ""],
            "Address of the database": ["nonsense", DIRECT, NO_REFERENCE, world.owner_url],
            "Database password": ["not the password", PASSWORD],
            "Token for the bot": ["12345", "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", token],
            "AI provider": ["skynet", "openai"],
            "OpenAI API key": ["sk-wrong-key-abcdefghijklmnopqrstuvwxyz", AI_KEY],
            "Payment providers": ["paypal", "stripe"],
            "STRIPE_SECRET_KEY": ["sk_test_other", STRIPE_KEY],
            "Admin email": ["olga", "olga@example.com"],
            "Bot language": ["xx", "en"],
            "Contact": ["call me", "@help_desk"],
        },
    )
    del wrong["Token for the bot assistant"]
    done = world.run(wrong, SUPABASE_ACCESS_TOKEN="sbp_test")
    assert done.status == 0, done.output[-2000:] + done.errors
    assert "abcdefghijklmnopqrst  bots, eu-central-1" in done.output
    for words in (
        "A project id has 6 to 30",
        "Cloud Run, Cloud Functions and Cloud Scheduler are all in: europe-west1, europe-west3",
        "It looks like postgresql://",
        "direct host, which answers IPv6 only",
        "the user is postgres.<project reference>",
        "The password is wrong",
        "A token looks like",
        "Telegram does not know this token",
        "openai rejected this key",
        "Unknown provider 'paypal'",
        "stripe rejected these keys (HTTP 401)",
        "is not an email address",
        "Choose one of: en, ru",
        "Enter an @name",
    ):
        assert words in done.output, words
    for secret in ("secret-of-mine", "not the password", "sk_test_other", "sk-wrong-key"):
        assert secret not in done.output


FAILURES = {
    "projects create": "",
    "billing projects link": "",
    "services enable": "",
    "iam service-accounts create switchboard-payments": "",
    "projects add-iam-policy-binding": "",
    "secrets create DATABASE_URL": "",
    "secrets versions add BOT_TOKENS": "Token for the bot",
    "secrets versions add USER_HASH_KEY": "",
    "secrets add-iam-policy-binding OPENAI_API_KEY": "",
    "builds submit": "",
}
CONFIRMATIONS = ("Run them?", "Deploy now", "Create the project", "Bill", "Use them anyway")


@pytest.mark.parametrize("fails", FAILURES)
def test_the_run_after_any_failure_continues(world: World, olga: Any, fails: str) -> None:
    failed = world.run(typed(world), FAKE_FAILS=fails)
    assert failed.status == 1
    assert 1 <= failed.errors.strip().count("\n") + 1 <= 3, failed.errors
    done = world.run(typed(world))
    assert done.status == 0, done.output[-2000:] + done.errors
    assert set(world.project["functions"]) == set(layout.FUNCTIONS)
    assert {len(held["versions"]) for held in world.project["secrets"].values()} == {1}
    # Nothing is asked twice, but for a secret whose storing failed.
    twice = set(failed.asked) & set(done.asked)
    expected = (*CONFIRMATIONS, *filter(None, [FAILURES[fails]]))
    assert not [question for question in twice if not question.startswith(expected)]


@pytest.mark.slow
def test_ctrl_c_leaves_a_state_that_the_next_run_continues(world: World, olga: Any) -> None:
    hanging = world.folder / "hanging"
    with ThreadPoolExecutor() as pool:
        run = pool.submit(world.start, typed(world), FAKE_HANGS="secrets versions add")
        eventually(hanging.exists, 60)
        os.kill(int(hanging.read_text()), signal.SIGINT)
        stopped = run.result(60)
    assert stopped.status == 130
    assert stopped.output.endswith("Stopped. Run ./switchboard setup again to go on from here.\n")
    done = world.run(typed(world))
    assert done.status == 0, done.output[-2000:] + done.errors


def test_a_bot_of_another_deployment_needs_confirmation(world: World, olga: Any) -> None:
    elsewhere = "https://production.example/telegram/with-a-secret"
    world.telegram.request("assistant", "setWebhook", {"url": elsewhere})
    kept = world.run(typed(world), interrupted="Use it anyway?")
    assert (kept.status, kept.asked[-1]) == (130, "Use it anyway? [y/N]:")
    assert "sends its updates to production.example. A deployment here takes it away" in kept.output
    assert "with-a-secret" not in kept.output
    assert "BOT_TOKENS" not in world.project["secrets"]
    moved = world.run(typed(world, {"Use it anyway?": ["y"], "Admin Telegram ID": [str(olga.id)]}))
    assert (moved.status, webhook(world)) == (0, f"{URL}/telegram/assistant")


def test_a_second_wizard_is_refused(world: World) -> None:
    with answers.alone(world.answers):
        done = world.run(typed(world))
    assert (done.status, done.asked, world.calls) == (1, [], [])
    assert done.errors.startswith("Another ./switchboard setup uses ")
    assert done.errors.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_asked(world: World) -> None:
    (world.folder / "file").touch()  # root may write everywhere, but not below a file
    world.answers = world.folder / "file" / "answers.json"
    done = world.run(typed(world))
    assert (done.status, done.asked, world.calls) == (1, [], [])
    assert f"Answers cannot be kept in {world.folder / 'file'}" in done.errors
    assert done.errors.count("\n") == 1


def test_a_pasted_answer_is_cleaned(world: World, olga: Any) -> None:
    token = world.telegram.bot("assistant").token
    pasted: Answers = {
        "Project id": [f"\u00a0{PROJECT}\u200b "],
        "Run them?": ["yep", "Y"],
        "Region": ["“europe-west3”"],
        "Address of the database": [f'"{world.owner_url}"'],
        "Token for the bot": [f"'{token}'"],
        "OpenAI API key": ["sk-ключ", "sk-two words", f"\ufeff{AI_KEY}\t"],
        "STRIPE_SECRET_KEY": ["sk_tеst_emulator", f"`{STRIPE_KEY}`"],  # the first with a Cyrillic letter
        "Admin email": ["<olga@example.com", " olga@example.com"],
    }
    answers = typed(world, pasted)
    del answers["Token for the bot assistant"]
    done = world.run(answers)
    assert done.status == 0, done.output[-2000:] + done.errors
    assert "Answer y or n." in done.output
    assert done.output.count("It has Latin letters, digits and signs, and no spaces") == 3
    assert json.loads(world.secret("BOT_TOKENS")) == {"assistant": token}
    assert (world.secret("OPENAI_API_KEY"), world.secret("STRIPE_SECRET_KEY")) == (AI_KEY, STRIPE_KEY)
    assert unquote(urlsplit(world.secret("DATABASE_ADMIN_URL")).password or "") == PASSWORD
    assert json.loads(world.answers.read_text())["region"] == "europe-west3"


@pytest.mark.parametrize(
    "question", ["Create the project", "Region", "Address", "Token", "Is Olga", "Deploy"]
)
def test_ctrl_c_at_a_question_ends_in_one_line(world: World, olga: Any, question: str) -> None:
    done = world.run(typed(world), interrupted=question)
    assert (done.status, done.errors) == (130, "")
    assert done.output.endswith("\nStopped. Run ./switchboard setup again to go on from here.\n")
    assert world.run(typed(world)).status == 0


def test_a_build_that_fails_names_its_step_and_its_log(world: World, olga: Any) -> None:
    failed = world.run(typed(world), FAKE_BUILD_FAILS="smoke")
    assert failed.status == 1
    assert "failed in the step smoke: https://console.cloud.google.com/cloud-build/builds/b1" in failed.errors
    assert world.run({"Deploy now": ["y"]}).status == 0


def test_a_build_that_was_not_started_names_no_earlier_one(world: World, olga: Any) -> None:
    assert world.run(typed(world), FAKE_BUILD_FAILS="smoke").status == 1
    done = world.run(typed(world), FAKE_FAILS="builds submit")
    assert done.status == 1
    assert done.errors.startswith("No build was started: the lines above say why.")


def test_a_no_changes_nothing(world: World) -> None:
    done = world.start(typed(world, {"Create the project": ["n"]}))
    assert (done.status, world.cloud["projects"]) == (1, {})
    assert done.errors == "Stopped before that. Run ./switchboard setup again to go on from here.\n"


def test_a_missing_login_is_reported_with_its_command(world: World) -> None:
    world.cloud = world.cloud | {"accounts": []}
    done = world.run(typed(world))
    assert (done.status, done.errors) == (1, "gcloud is not logged in: gcloud auth login\n")
    assert done.asked == []  # nothing that is typed is lost


def test_another_project_id_is_asked_for_where_one_is_taken(world: World, olga: Any) -> None:
    done = world.run(typed(world, {"Project id": ["taken-project", PROJECT]}))
    assert done.status == 0, done.output[-2000:] + done.errors
    assert "Google Cloud refuses the id taken-project: choose another." in done.output
    assert json.loads(world.answers.read_text())["project"] == PROJECT
    assert list(world.cloud["projects"]) == [PROJECT]
    stopped = world.run(typed(world), FAKE_FAILS="projects list")
    assert (stopped.status, stopped.asked) == (1, [])


def test_a_domain_goes_into_the_deployment_and_the_webhook(world: World, olga: Any) -> None:
    domain = "https://bots.example.com"
    done = world.run(typed(world), f"--public-url={domain}/")
    assert done.status == 0, done.output[-2000:] + done.errors
    assert world.project["builds"][0]["substitutions"]["_PUBLIC_URL"] == domain
    assert f"Webhook address to enter at stripe: {domain}/payments/stripe" in done.output
    assert webhook(world) == f"{domain}/telegram/assistant"
    again = world.run({})  # kept
    assert (again.status, "  + " in again.output, webhook(world)) == (
        0,
        False,
        f"{domain}/telegram/assistant",
    )
    back = world.run({"Deploy now": [""]}, "--public-url=-")
    assert (back.status, webhook(world)) == (0, f"{URL}/telegram/assistant")
    assert "_PUBLIC_URL" not in world.project["builds"][0]["substitutions"]


def test_a_domain_at_the_head_of_deploy_yaml_is_left_alone(world: World, olga: Any) -> None:
    assert world.run(typed(world)).status == 0
    state, domain = world.cloud, "https://bots.example.com"
    settings = state["projects"][PROJECT]["functions"]["telegram"]["serviceConfig"]["environmentVariables"]
    settings["PUBLIC_URL"] = domain
    world.cloud = state
    world.telegram.request("assistant", "setWebhook", {"url": f"{domain}/telegram/assistant"})
    again = world.run({})
    assert (again.status, "  + " in again.output) == (0, False), again.output
    assert webhook(world) == f"{domain}/telegram/assistant"


@pytest.mark.parametrize(
    "url", ["bots.example.com", "http://bots.example.com", "https://a.b/c", "https://a|b"]
)
def test_an_invalid_domain_is_refused(world: World, capsys: pytest.CaptureFixture[str], url: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        wizard.main([f"--public-url={url}"])
    assert "The domain looks like https://bots.example.com" in capsys.readouterr().err


def test_an_admin_who_never_started_the_bot_is_asked_to(world: World) -> None:
    nina = world.telegram.user("Nina", "en")
    world.telegram.user("Stranger", "en").chat("assistant").send("/start")
    # Enter alone appoints no admin: any user may have written to the bot first.
    answers = typed(world, {"Is Stranger": [""], "Admin Telegram ID": [str(nina.id)], "Open the bot": ["n"]})
    done = world.run(answers)
    assert done.status == 1
    assert "press Start. Try again?" in done.asked[-1]
    nina.chat("assistant").send("/start")
    assert world.run({}).status == 0
    assert "Your bot is live" in texts(nina)[-1]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("gcloud", "secrets create X --colour=red"),
        ("gcloud", "secrets frobnicate X"),
        ("gcloud", "secrets versions add X"),
        ("supabase", "projects list --output-format json --colour"),
    ],
)
def test_the_fakes_refuse_what_the_real_programs_refuse(world: World, program: str, words: str) -> None:
    done = subprocess.run(
        [world.folder / "bin" / program, *words.split()],
        env=world.environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode in (1, 2)


def test_a_new_account_that_is_not_known_everywhere_is_waited_for(world: World) -> None:
    pauses: list[float] = []
    cloud = Gcloud(PROJECT, pause=pauses.append)
    member = f"--member={layout.member('deploy', PROJECT)}"
    with programs.in_this_process(world.environment):
        cloud.change("projects", "create", PROJECT)
        cloud.change("billing", "projects", "link", PROJECT, "--billing-account=1")
        cloud.change("services", "enable", "iam.googleapis.com")
        cloud.change("iam", "service-accounts", "create", "switchboard-deploy")
        world.cloud = world.cloud | {"spreading": 2}
        bind = ("projects", "add-iam-policy-binding", PROJECT, "--condition=None", member, "--role=roles/x")
        cloud.change(*bind)
    assert pauses == [8.0, 8.0]
    assert world.project["policy"] == [{"role": "roles/x", "members": [layout.member("deploy", PROJECT)]}]


UNKNOWN = {
    "iam service-accounts get-iam-policy": "PERMISSION_DENIED: Permission iam.serviceAccounts.getIamPolicy "
    "denied on resource (or it may not exist).",
    "secrets list": "PERMISSION_DENIED: Secret Manager API has not been used in project 1 before "
    "or it is disabled.",
    "services enable": "FAILED_PRECONDITION: Billing account for project '1' is not found.",
}


def test_new_resources_are_waited_for(world: World, olga: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.cloud.gcloud.SPREAD_PAUSE", 0.0)
    world.cloud = world.cloud | {"unknown": {command: [2, said] for command, said in UNKNOWN.items()}}
    done = world.run(typed(world))
    assert (done.status, done.errors) == (0, "")
    assert all(left == 0 for left, _ in world.cloud["unknown"].values())


def test_resources_of_earlier_runs_are_not_waited_for(world: World) -> None:
    pauses: list[float] = []
    cloud = Gcloud(PROJECT, pause=pauses.append)
    with programs.in_this_process(world.environment):
        cloud.change("projects", "create", PROJECT)
        with pytest.raises(CloudError, match="is disabled"):
            cloud.read("secrets", "list")
    assert pauses == []


def test_a_secret_whose_newest_version_was_destroyed_is_asked_for_again(world: World, olga: Any) -> None:
    assert world.run(typed(world)).status == 0
    cloud = world.cloud
    secrets = cloud["projects"][PROJECT]["secrets"]
    secrets["OPENAI_API_KEY"] |= {"versions": ["sk-old", "sk-newer"], "newest": "DESTROYED"}
    world.cloud = cloud
    done = world.run(typed(world))
    assert done.status == 0
    assert any(question.startswith("OpenAI API key") for question in done.asked)
    assert world.project["secrets"]["OPENAI_API_KEY"]["versions"][-1] == AI_KEY


def test_an_expired_login_is_reported_with_its_command(world: World) -> None:
    expired = "There was a problem refreshing your current auth tokens: Reauthentication failed.\n"
    world.cloud = world.cloud | {
        "unknown": {"projects list": [1, f"{expired}Please run:\n\n  $ gcloud auth login"]}
    }
    done = world.run(typed(world))
    assert done.status == 1
    assert done.errors.endswith("Reauthentication failed. Log in again: gcloud auth login\n")


def test_secrets_are_stored_in_the_only_region_allowed(world: World, olga: Any) -> None:
    world.cloud = world.cloud | {"regional": "europe-west3"}
    done = world.run(typed(world))
    assert (done.status, done.errors) == (0, "")
    assert "--replication-policy=user-managed --locations=europe-west3" in done.output

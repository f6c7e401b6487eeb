"""supabase/environments.toml: names, order, addresses of the right project."""

from pathlib import Path

import pytest

from tools.database import addresses, environments
from tools.database.errors import DatabaseToolError, EnvironmentFileError, UnknownEnvironment

TWO = """
[development]
url = "env:DEV_URL"
[production]
url = "env:PROD_URL"
project = "abcdefghijklmnop"
protected = true
after = "development"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "environments.toml"


def test_the_file_of_the_repository_has_development_and_protected_production() -> None:
    found = environments.read(variables={})
    assert list(found) == ["development", "production"]
    assert found["development"].url == environments.EMULATOR
    assert found["production"].is_protected
    assert found["production"].rules.after == "development"
    with pytest.raises(EnvironmentFileError, match="production has no address: set DATABASE_ADMIN_URL"):
        found["production"].require_url()


URL = '[a]\nurl = "env:X"\n'
BACKUP = f'{URL}backup = {{ to = "/b", recipient = "env:KEY"'


@pytest.mark.parametrize(("text", "says"), [
    ('[a]\nurl = "postgresql://u:p@h/x"', "[a]: url is malformed. Allowed is the variable that holds"),
    ("[a]\nprotected = true", "[a]: url is missing. Allowed is the variable that holds the address: \"env:"),
    (f"{URL}reset = true", "[a]: there is no key reset. Allowed are url, project, ca, protected, window, "),
    (f'{URL}protected = "maybe"', "[a]: protected is malformed. Allowed is true (changes ask for its name)"),
    (f"{URL}protected = 1", "[a]: protected is malformed."),
    (f'{URL}seed = "seed.sql"', '[a]: seed is malformed. Allowed is a list of files in supabase/: ["'),
    (f"{URL}seed = [1]", "[a]: seed is malformed. Allowed is a list of files"),
    (f'{URL}window = "1-2"', "[a]: window is malformed (a window is like 01:00-05:00 Europe/Moscow)."),
    (f'{URL}window = "01:00-02:00 Mars"', "[a]: window is malformed (no time zone is called 'Mars')."),
    (f'{URL}protected = true\nseed = ["seed.sql"]', "[a]: seed and protected = true exclude each other"),
    (f"{URL}backup = 1", "[a]: backup is malformed. Allowed is a table: { to = "),
    (f"{BACKUP}, keep_days = 0 }}", "[a.backup]: keep_days is malformed. Allowed is a whole number of days"),
    (f"{BACKUP}, keep = 1 }}", "[a.backup]: there is no key keep. Allowed are to, recipient, keep_days, "),
    (f'{URL}backup = {{ to = "/b" }}', "[a.backup]: recipient is missing. Allowed is the public key of age"),
    (f'{URL}backup = {{ to = "", recipient = "env:KEY" }}', "[a.backup]: to is malformed."),
    (f'{URL}after = "nowhere"', "[a]: after names 'nowhere', which is no table of the file: a."),
    ('[a]\nurl="env:X"\nafter="b"\n[b]\nurl="env:Y"\nafter="a"', "[a]: after makes a circle"),
    (f'{URL}after = "a"', "[a]: after makes a circle, a comes after itself."),
    ('[Production]\nurl = "env:X"', "[Production] is no name of an environment. Allowed are up to 40 of a-z"),
    ("[a", "Expected ']' at the end of a table declaration (at end of document"),
    ("a = 1", "a is no table: write [a], and its keys below."),
    ("# empty", "names no environment: write a table for one"),
])  # fmt: skip
def test_a_mistake_is_named_with_what_is_allowed(file: Path, text: str, says: str) -> None:
    file.write_text(text)
    with pytest.raises(EnvironmentFileError) as failure:
        environments.read(file, {})
    assert str(failure.value).startswith(f"{file.parent.name}/environments.toml")
    assert says in str(failure.value)
    assert "u:p" not in str(failure.value)


def test_an_unknown_name_lists_the_known_ones(file: Path) -> None:
    file.write_text(TWO)
    with pytest.raises(UnknownEnvironment, match=r"'prod'.*development, production"):
        environments.choose("prod", environments.read(file, {}))


@pytest.mark.parametrize(("url", "is_right"), [
    ("postgresql://postgres.abcdefghijklmnop:p@aws-0-eu.pooler.supabase.com:5432/postgres", True),
    ("postgresql://postgres:p@db.abcdefghijklmnop.supabase.co:5432/postgres", True),
    ("postgresql://postgres.ponmlkjihgfedcba:p@aws-0-eu.pooler.supabase.com:5432/postgres", False),
    ("postgresql://postgres:abcdefghijklmnop@127.0.0.1/postgres", False),
])  # fmt: skip
def test_the_address_must_be_that_of_the_project(file: Path, url: str, is_right: bool) -> None:
    file.write_text(TWO)
    production = environments.read(file, {"PROD_URL": f" {url}\n"})["production"]
    if is_right:
        assert production.require_url() == url
        return
    with pytest.raises(DatabaseToolError, match="not the database of project abcdefghijklmnop"):
        production.require_url()


def test_the_order_follows_after(file: Path) -> None:
    file.write_text('[c]\nurl="env:C"\nafter="b"\n[a]\nurl="env:A"\n[b]\nurl="env:B"\nafter="a"\n')
    assert [one.name for one in environments.in_order(environments.read(file, {}))] == ["a", "b", "c"]


def test_variables_say_where_backups_go_and_neither_is_enough_alone(file: Path) -> None:
    file.write_text(TWO + 'backup = { to = "env:PLACE", recipient = "env:KEY" }\n')
    assert environments.read(file, {})["production"].rules.backup is None
    key = "age1" + "q" * 58
    given = environments.read(file, {"PLACE": "/backups", "KEY": key})["production"].rules.backup
    assert given is not None
    assert (given.to, given.recipient, given.keep_days) == ("/backups", key, 30)
    with pytest.raises(EnvironmentFileError, match=r"\[production\.backup\]: KEY is not set"):
        environments.read(file, {"PLACE": "/backups"})
    with pytest.raises(
        EnvironmentFileError,
        match=r"\[production\.backup\]: recipient: the variable KEY is malf",
    ):
        environments.read(file, {"PLACE": "/backups", "KEY": "AGE-SECRET-KEY-1"})


@pytest.mark.parametrize("url", ["postgresql://u:p@h/x", "postgresql://u:p@h/x?a=b", "host=h password='p q'"])
def test_a_root_certificate_of_its_own(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(environments, "SUPABASE", tmp_path / "supabase")
    file.write_text('[development]\nurl = "env:X"\nca = "own \'ca\'.crt"')
    found = environments.read(file, {"X": url.replace("?a=b", "?application_name=b")})["development"]
    with pytest.raises(EnvironmentFileError, match=r"\[development\]: ca names own 'ca'\.crt, which"):
        found.require_url()
    certificate = tmp_path / "own 'ca'.crt"
    certificate.touch()
    given = addresses.read(found.require_url())
    assert given.pop("sslrootcert") == str(certificate)
    assert given == addresses.read(found.url)
    explicit = addresses.with_parameter(found.url, "sslrootcert", "system")
    chosen = environments.read(file, {"X": explicit})["development"]
    assert chosen.require_url() == explicit, "the address's own choice goes first"

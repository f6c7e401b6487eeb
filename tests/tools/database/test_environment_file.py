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


@pytest.mark.parametrize(("text", "says"), [
    ("[development]\nurl = \"postgresql://u:p@h/x\"", "development.url"),
    ("[development]\nurl = \"env:X\"\nreset = true", "development.reset"),
    ("[development]\nurl = \"env:X\"\nafter = \"nowhere\"", "there is no 'nowhere'"),
    ("[a]\nurl=\"env:X\"\nafter=\"b\"\n[b]\nurl=\"env:Y\"\nafter=\"a\"", "comes after itself"),
    ("[a]\nurl=\"env:X\"\nafter=\"a\"", "comes after itself"),
    ("[Production]\nurl = \"env:X\"", "no name of an environment"),
    ("[development", "environments.toml: "),
    ("development = 1", "development"),
])  # fmt: skip
def test_a_mistake_is_named(file: Path, text: str, says: str) -> None:
    file.write_text(text)
    with pytest.raises(EnvironmentFileError, match=says) as failure:
        environments.read(file, {})
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
    with pytest.raises(EnvironmentFileError, match=r"production\.backup: KEY is not set"):
        environments.read(file, {"PLACE": "/backups"})
    with pytest.raises(EnvironmentFileError, match=r"production\.backup: KEY is malformed"):
        environments.read(file, {"PLACE": "/backups", "KEY": "AGE-SECRET-KEY-1"})


@pytest.mark.parametrize("url", ["postgresql://u:p@h/x", "postgresql://u:p@h/x?a=b", "host=h password='p q'"])
def test_a_root_certificate_of_its_own(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(environments, "SUPABASE", tmp_path / "supabase")
    file.write_text('[development]\nurl = "env:X"\nca = "own \'ca\'.crt"')
    found = environments.read(file, {"X": url.replace("?a=b", "?application_name=b")})["development"]
    with pytest.raises(EnvironmentFileError, match=r"development\.ca .* no file own 'ca'\.crt"):
        found.require_url()
    certificate = tmp_path / "own 'ca'.crt"
    certificate.touch()
    given = addresses.read(found.require_url())
    assert given.pop("sslrootcert") == str(certificate)
    assert given == addresses.read(found.url)
    explicit = addresses.with_parameter(found.url, "sslrootcert", "system")
    chosen = environments.read(file, {"X": explicit})["development"]
    assert chosen.require_url() == explicit, "the address's own choice goes first"

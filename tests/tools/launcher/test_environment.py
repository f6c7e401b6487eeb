"""./switchboard makes .venv, repairs it, and says in one line why it cannot."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.launcher.conftest import PIP, ROOT, Checkout
from tools.launcher import install

pytestmark = pytest.mark.slow  # each test starts many processes


def test_the_first_command_installs_with_progress_and_later_ones_do_not(checkout: Checkout) -> None:
    first = checkout.run("telegram", "info")
    assert (first.returncode, first.stdout) == (0, "ran info\n")
    assert "Installing 2 packages into .venv" in first.stderr
    assert "75% unpacking" in first.stderr
    assert checkout.run("telegram", "info").stderr == ""
    assert checkout.installations == 1


def test_a_changed_list_of_packages_is_installed_anew(installed: Checkout) -> None:
    before = installed.installations
    with (installed.root / "requirements-dev.txt").open("a") as file:
        file.write("third==3.0 \\\n    --hash=sha256:2\n")
    assert "Installing 3 packages" in installed.run("telegram").stderr
    assert installed.installations == before + 1


def _half_made(venv: Path) -> None:
    shutil.rmtree(venv)
    (venv / "bin").mkdir(parents=True)


def _without_pip(venv: Path) -> None:
    (venv / ".installed").unlink()
    next(venv.glob("lib/python*/site-packages/pip.py")).unlink()


def _python_vanished(venv: Path) -> None:
    for link in (venv / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/nowhere/python3")


def _a_file(venv: Path) -> None:
    shutil.rmtree(venv)
    venv.write_text("not a folder")


@pytest.mark.parametrize("damage", [_half_made, _without_pip, _python_vanished, _a_file])
def test_a_damaged_environment_is_repaired(installed: Checkout, damage: Callable[[Path], None]) -> None:
    damage(installed.venv)
    done = installed.run("telegram", "info")
    assert (done.returncode, done.stdout) == (0, "ran info\n")
    assert "Repairing .venv" in done.stderr


def test_an_interrupted_installation_is_done_by_the_next_command(installed: Checkout) -> None:
    (installed.venv / ".installed").unlink()
    before = installed.installations
    assert installed.run("telegram", "info").stdout == "ran info\n"
    assert installed.installations == before + 1


def test_a_folder_that_venv_links_to_is_left_alone(installed: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    shutil.rmtree(installed.venv)
    installed.venv.symlink_to(elsewhere)
    assert installed.run("telegram").returncode == 0
    assert (elsewhere / "kept").exists()
    assert not installed.venv.is_symlink()


def test_without_the_module_venv_the_package_is_named_and_nothing_is_left(checkout: Checkout) -> None:
    said = "The virtual environment was not created successfully because ensurepip is not available."
    done = checkout.run("telegram", VENV_FAILS=said)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("(Debian and Ubuntu: sudo apt install python3-venv).")
    assert not checkout.venv.exists()


def test_a_failed_installation_says_why_and_is_tried_again(checkout: Checkout) -> None:
    failed = checkout.run("telegram", PIP_FAILS="NewConnectionError: Failed to establish a new connection")
    assert failed.returncode == 1
    assert "The package index cannot be reached: check the network" in failed.stderr.splitlines()[-1]
    assert checkout.run("telegram", "info").stdout == "ran info\n"


# How pip ends where a proxy reads the traffic, wants a login or is not there: always with the last line.
NO_MATCH = "ERROR: No matching distribution found for demo==1.0"


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("Could not fetch URL: (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_"
         "FAILED] certificate verify failed: self-signed certificate'))) - skipping", "PIP_CERT="),
        ("WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.', "
         "OSError('Tunnel connection failed: 407 Proxy Authentication Required'))'", "wants a login"),
        ("WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.', "
         "NewConnectionError('Connection refused'))'", "check HTTPS_PROXY"),
        ("ERROR: Could not install packages due to an OSError: Missing dependencies for SOCKS support.",
         "a SOCKS proxy"),
        ("", "no build for this system"),
    ],
)  # fmt: skip
def test_a_proxy_is_named_where_it_is_the_reason(said: str, meaning: str) -> None:
    assert meaning in install.reason(f"{said}\n{NO_MATCH}\n")


def test_settings_of_the_owners_pip_do_not_lead_beside_the_environment(checkout: Checkout) -> None:
    extra = {"PIP_USER": "1", "PIP_TARGET": "/elsewhere", "PIP_INDEX_URL": "https://mirror.example"}
    (checkout.base_python.parent / "pip.py").write_text(
        PIP.format(root=str(checkout.root))
        + "\n    import json; (root / 'environment').write_text(json.dumps(dict(os.environ)))\n"
    )
    assert checkout.run("telegram", "info", **extra).returncode == 0
    given = json.loads((checkout.root / "environment").read_text())
    assert (given["PIP_USER"], "PIP_TARGET" in given) == ("0", False)
    assert given["PIP_INDEX_URL"] == "https://mirror.example"


def test_a_clone_of_git_for_windows_runs_in_wsl(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", clone], check=True)
    for name in (".gitattributes", "switchboard", "Makefile"):
        shutil.copy(ROOT / name, clone)
    git = ["git", "-C", str(clone), "-c", "core.autocrlf=true"]
    subprocess.run([*git, "add", "."], check=True, capture_output=True)
    for name in ("switchboard", "Makefile"):
        (clone / name).unlink()
    subprocess.run([*git, "checkout", "-q", "--", "."], check=True)
    assert b"\r" not in (clone / "switchboard").read_bytes() + (clone / "Makefile").read_bytes()


def test_an_old_or_missing_python_is_reported_in_one_line(checkout: Checkout, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dirname", "readlink"):
        (programs / name).symlink_to(str(shutil.which(name)))
    old = programs / "python3"
    old.write_text('#!/bin/sh\ncase "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac\n')
    old.chmod(0o755)
    done = checkout.run("telegram", PATH=str(programs), PYTHON="")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Python 3.11 or newer is needed, and none was found (python3: Python 3.9.2)" in done.stderr
    old.unlink()
    assert "none was found" in checkout.run("telegram", PATH=str(programs), PYTHON="").stderr


def test_a_package_that_is_missing_later_is_installed_by_the_next_command(installed: Checkout) -> None:
    before = installed.installations
    done = installed.run("telegram", "incomplete")
    assert done.returncode == 1
    assert done.stderr == (
        "The package a_package_that_is_not_there is missing. Run the command again to install it.\n"
    )
    installed.run("telegram")
    assert installed.installations == before + 1


def test_an_error_of_ours_is_one_line_and_a_file(installed: Checkout) -> None:
    done = installed.run("telegram", "fail")
    log = installed.root / ".switchboard" / "error.log"
    assert (done.returncode, done.stderr) == (1, f"telegram failed: ValueError. The details are in {log}.\n")
    assert "a secret is in this message" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_ctrl_c_ends_with_one_line(installed: Checkout) -> None:
    installed.module("bench", "import time; print('ready', flush=True); time.sleep(60)")
    with subprocess.Popen(
        [installed.root / "switchboard", "bench"], env=installed.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A shell lets what it runs in the background ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "\nStopped. Run the command again to go on.\n")


def test_progress_estimates_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, *(float(second) for second in range(2, 100, 2))])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    lines = [f"Collecting package{number}==1" for number in range(1, 5)]
    progress = install.Progress(4, sys.stdout)
    progress.follow([*lines, "noise", "Installing collected packages: all"])
    progress.done()
    assert capsys.readouterr().out.splitlines() == [
        "  19% package1",  # two seconds say nothing yet
        "  38% package2, about 7 s left",
        "  56% package3, about 5 s left",
        "  75% package4, about 3 s left",
        "  75% unpacking, about 3 s left",
        "  done after 12 s",
    ]


def test_the_real_list_is_counted_without_what_windows_needs() -> None:
    text = (Path(__file__).parents[3] / "requirements-dev.txt").read_text()
    assert install.count(text) == text.count("==") - text.count("sys_platform ==") - text.count(
        "'win32' \\\n"
    )


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "The disk is full. Free 1 GB and run the command again.\n"),
        (errno.EACCES, "/some/file: Permission denied. Use a folder that you may write to.\n"),
        (errno.EROFS, "/some/file: Read-only file system. Use a folder that you may write to.\n"),
    ],
)
def test_an_operating_system_error_is_one_line(installed: Checkout, number: int, said: str) -> None:
    done = installed.run("telegram", "errno", str(number))
    assert (done.returncode, done.stderr) == (1, said)


def test_an_error_is_reported_when_the_log_cannot_be_written(installed: Checkout) -> None:
    folder = installed.root / ".switchboard"
    if folder.exists():
        shutil.rmtree(folder)
    folder.write_text("no folder")
    try:
        done = installed.run("telegram", "fail")
    finally:
        folder.unlink()
    assert (done.returncode, done.stdout) == (1, "ran fail\n")
    assert done.stderr == "telegram failed: ValueError. SWITCHBOARD_DEBUG=1 shows the details.\n"

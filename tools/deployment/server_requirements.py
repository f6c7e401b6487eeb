"""Prints the lines of requirements-dev.txt that install the embedded Postgres, for the trial of a backup."""

from tools.deployment.backup_build import ROOT, server_requirements

if __name__ == "__main__":
    print(server_requirements((ROOT / "requirements-dev.txt").read_text(encoding="utf-8")), end="")

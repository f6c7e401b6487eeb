"""pgbench, which measures each statement of a script."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tools.bench.errors import BenchError
from tools.database import binaries

# "         0.211           0 update public.users set ..."; lines of \\set stand there too
_MEASURED = re.compile(r"^\s+([\d.]+)\s+\d+\s+(?:update|select) public\.", re.MULTILINE)


def run(url: str, script: Path, values: dict[str, int], seconds: int, clients: int) -> list[float]:
    """Run a script for some seconds; return the mean milliseconds of each of its measured statements.

    Measured is what begins with "update public." or "select public."; everything else only prepares.
    Raises BenchError if a statement fails.
    """
    command = [str(binaries.embedded() / "pgbench"), "-n", "-r", "-M", "extended", "-T", str(seconds)]
    command += ["-c", str(clients), "-j", "1", "-f", str(script)]
    command += [f"-D{name}={value}" for name, value in values.items()]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"pgbench failed: {done.stderr.strip()}")
    return [float(text) for text in _MEASURED.findall(done.stdout)]

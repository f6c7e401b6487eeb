"""The entry point that the file `switchboard` starts, with any Python from 3.11 on."""

import sys
from pathlib import Path

# Run as a folder, Python looks for modules in it; ours start at the repository's root.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.launcher.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

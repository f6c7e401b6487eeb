"""`./switchboard setup`."""

import sys

from tools.setup.main import main

if __name__ == "__main__":
    sys.exit(main())

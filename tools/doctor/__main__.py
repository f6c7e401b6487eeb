"""`./switchboard doctor`."""

import sys

from tools.doctor.main import main

if __name__ == "__main__":
    sys.exit(main())

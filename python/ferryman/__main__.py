"""python -m ferryman: the program `ferryman`, by the interpreter that has the package."""

import sys

from .program import main

if __name__ == "__main__":
    sys.exit(main())

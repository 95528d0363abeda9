"""The door of the command `nslib`, also `python -m companion`: a stop is answered from here on."""

import sys

from companion import interrupts


def main() -> int:
    """Run the command line of this process and return its exit code."""
    interrupts.at_once().__enter__()  # to the very end, where Python takes itself apart
    from companion import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())

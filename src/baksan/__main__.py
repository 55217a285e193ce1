"""`python -m baksan` is the command `baksan`."""

from baksan.cli import main

if __name__ == "__main__":
    main()

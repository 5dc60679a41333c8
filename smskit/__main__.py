"""``python -m smskit`` is the same as ``smskit``."""

from smskit.cli.commands import main

if __name__ == "__main__":
    main()

"""What the connect panel says."""

ZH: dict[str, str] = {}

"""What the explore panel says."""

ZH: dict[str, str] = {}

"""What the track panel says."""

ZH: dict[str, str] = {}

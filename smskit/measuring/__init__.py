"""
What a campaign brought: everybody it was to reach, compared with its holdout, as assigned.

Reads the ledger and a table of what people did, and changes nothing of either but the note of which window
a campaign was first measured with. How a difference is judged is in `statistics`.
"""

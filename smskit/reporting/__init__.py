"""Reading back: counts, delivery, export, charts, the page of a run."""

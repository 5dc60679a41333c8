"""Doing it: campaign, engine, recorder, reconciliation, canary, runs, rehearsal."""

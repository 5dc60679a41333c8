"""
A server that speaks the providers' wire protocols on loopback, with faults on demand and its own count.

`World` is the truth and the judge, `Simulator` serves it from a thread,
`serve` from the command line, `FaultPlan` says what goes wrong. It is used by
rehearsals and tests alike and stands apart: with our clients it shares facts
(``codes.csv``) and the digests of signed requests, which the vendors' own clients prove.
"""

from smskit.simulator.accounts import Account, Limits
from smskit.simulator.core import World
from smskit.simulator.faults import FaultPlan
from smskit.simulator.server import Simulator, greeting, serve

__all__ = ["Account", "FaultPlan", "Limits", "Simulator", "World", "greeting", "serve"]

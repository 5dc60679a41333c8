"""
What smskit costs, measured beside what it is compared with: ``python -m bench``.

Each figure is a ratio of two things timed in turn in one run, in fresh
processes, since absolute seconds move from machine to machine. Nothing here is
imported by the package, and nothing is asserted: it prints a table.
"""

"""
Segments larger than memory: the same plan, made in parts by a Dask cluster.

* ``stages``: what is done to one part, as functions of values; no Dask in them.
* ``cluster``: the workers, and where they put what does not fit into their memory.
* ``planning``: the parts put together to a plan.
* ``freezing``: that plan's audience, written into the ledger part by part.

Dask is imported only when a segment is so large; `smskit.planning` does not know of it.
"""

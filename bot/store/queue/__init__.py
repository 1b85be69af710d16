"""The due rows: how they are selected, claimed under leases, and limited by rates of all replicas.

The package only claims and counts rows.  `bot.worker` processes them.
Start reading at `due`, then `leases`; `handover` is how a row is passed on without a claim.
"""

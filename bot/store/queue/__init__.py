"""What is due, and who works on it: leases, lanes and rates that all replicas share.

Claims and counts only: what a step does with a row is in `bot.worker`.
Begin at `due`, then `leases`.
"""

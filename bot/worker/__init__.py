"""The worker: claims due rows, calls Slack and the CDN, and saves the results.

Everything that waits for the network is here, in steps that run under leases, except for batches
of polls, which need none.  Rules are in `bot.core`.
Start reading at `loop`; `executor` does one step, and only `sending` sends purges to the CDN.
"""

"""Carries out what is due: claims rows, asks Slack and the CDN, saves what came of it.

Whatever waits for a network stands here, each step under a lease; rules do not, they are in `bot.core`.
Begin at `loop`; `executor` does one step, `sending` alone sends purges to the CDN.
"""

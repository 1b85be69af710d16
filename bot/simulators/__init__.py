"""Slack, the CDN and its edge as they are documented, on loopback.

They share no code with the bot: what shares code shares mistakes.
Begin at `slack`, `cdn` or `edge`; `serving` runs several of them in one thread.
"""

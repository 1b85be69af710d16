"""Block Kit's rules: what Slack would refuse, and how views live.

Checks of what the app sends; nothing of ours is known here.
Begin at `blocks`.
"""

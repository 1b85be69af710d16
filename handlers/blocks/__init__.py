"""What people see: pure functions from the bot's values to Block Kit.

Words and layout belong here; nothing is looked up, and nothing sent.
Begin at `purge`, the card; `kit` has the small parts.
"""

"""What people see: pure functions from the bot's values to Block Kit.

Texts and layout belong here; nothing is looked up or sent.
Start reading at `purge`, the card; `kit` has the small parts.
"""

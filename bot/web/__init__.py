"""HTTP mode: the server that takes Slack's requests.

It answers what `bot.app` gives; limits on sizes and times belong here, rights do not.
Begin at `server`.
"""

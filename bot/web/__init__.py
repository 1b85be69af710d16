"""HTTP mode: the server that receives Slack's requests.

It sends the answers of `bot.app`.  Limits of sizes and times belong here; rights do not.
Start reading at `server`.
"""

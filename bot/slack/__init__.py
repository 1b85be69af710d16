"""The connection to Slack: its Web API, its Socket Mode, and its directory of people.

Only this package, `handlers` and `bot.app` import Slack's libraries.  It has no rules and no texts.
Start reading at `client`; `errors` reads Slack's refusals, `directory` looks people up.
"""

"""The road to Slack: its Web API, its Socket Mode, and who its people are.

Only this package, `handlers` and `bot.app` import Slack's libraries; no rule and no wording belongs here.
Begin at `client`; `errors` reads how Slack says no, `directory` says who people are.
"""

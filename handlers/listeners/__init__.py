"""What listens to Slack: commands, buttons, forms.

A listener reads a payload and hands it to `bot.workflow`; `handlers.LISTENERS` lists them all.
Begin at `commands`.
"""

"""The listeners for Slack's input: commands, buttons, forms.

A listener reads a payload and passes it to `bot.workflow`; `handlers.LISTENERS` lists them all.
Start reading at `commands`.
"""

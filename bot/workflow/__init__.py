"""What people ask for and decide: each request is one decision, saved in one transaction.

Nothing here waits for a network; rules are in `bot.core`, rows in `bot.store`.
Begin where a command arrives: `requests`; then `interactions` for presses, `queries` for questions.
"""

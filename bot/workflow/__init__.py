"""What people request and decide: each request is one decision, saved in one transaction.

Nothing here waits for a network; rules are in `bot.core`, rows in `bot.store`.
Start reading at `requests`; then `interactions` for presses, `queries` for questions.
"""

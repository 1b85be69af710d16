"""The demo: a town of simulators with the bot in it, and examples that are played in it.

It may import everything but `bot.cli`; nothing of the product may import it.
Begin at `town`; `play` plays the examples, `page` is what a browser shows.
"""

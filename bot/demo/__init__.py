"""The demo: the simulators with the bot between them, and example conversations.

It may import everything but `bot.cli`; nothing else of the product may import it.
Start reading at `town`; `play` plays the examples, `page` is what a browser shows.
"""

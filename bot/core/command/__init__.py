"""The command /purge: its grammar, and that of questions.

Text in, a command or an error out; nothing is looked up.
Begin at `parser`.
"""

"""The command /purge: its grammar, and the grammar of the questions.

Functions here turn text into a command or an error; they look nothing up.
Start reading at `parser`.
"""

"""One function for each kind of input, from facts to a whole decision.

Pure: what the outside world said comes in as values.
Begin at `transition`, which lists them.
"""

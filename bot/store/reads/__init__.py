"""Questions to the tables that change nothing, and facts that all replicas share.

Rights are decided by whoever asks.
Begin at `history` for people's questions, `related` for what the rules ask.
"""

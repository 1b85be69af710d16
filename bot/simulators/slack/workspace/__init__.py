"""What the simulated workspace holds: people, channels, messages, limits.

State, and the objects that the API shows of it; nothing is served from here.
Begin at `state`.
"""

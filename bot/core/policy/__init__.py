"""The policy: its document, and what it allows whom.

Values and decisions about one actor and one command; no purge is known here.
Begin at `document`, then `decision`; `quorum` counts approvals.
"""

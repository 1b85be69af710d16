"""The policy: its document, and what it allows to whom.

Modules here are about one person and one command; they do not know purges.
Start reading at `document`, then `decision`; `quorum` counts approvals.
"""

"""Purgebot: what it knows and what it does.  Start reading at docs/design.md."""

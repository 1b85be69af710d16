"""Purgebot.  Start reading at docs/development.md; docs/design.md explains the design."""

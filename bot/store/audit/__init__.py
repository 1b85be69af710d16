"""The audit trail: appended to, sealed, pruned and verified.

How entries, chains and checkpoints hang together is in `bot.core.audit`.
Begin at `log`; `verify` is `purgebot audit verify`.
"""

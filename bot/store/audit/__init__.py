"""The audit trail: append, seal, prune and verify.

`bot.core.audit` describes entries, chains and checkpoints.
Start reading at `log`; `verify` is the command `purgebot audit verify`.
"""

"""Settings, the policy file and certificates, read and checked.

What is read from the environment or a file at the start belongs here; the policy's rules are in `bot.core.policy`.
Begin at `settings`; `policy_file` finds what is wrong in a policy, and where.
"""

"""Settings, the policy file and certificates: read and validated.

What is read from the environment or from a file belongs here; the rules of the policy are in
`bot.core.policy`.
Start reading at `settings`; `policy_file` finds the errors in a policy, with their lines.
"""

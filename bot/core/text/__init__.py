"""How typed text is parsed: words, domains, tags, and their errors.

Code that commands and the policy file share belongs here.
Start reading at `tokens`; `errors` has the messages.
"""

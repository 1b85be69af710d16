"""How typed text is read: words, domains, tags, and what is wrong with them.

What commands and the policy file have in common belongs here.
Begin at `tokens`; `errors` has the sentences.
"""

"""The decisions about purges: one function for each kind of input, from facts to a `Transition`.

Functions here are pure: what the outside world reported is an argument.
Start reading at `transition`; docs/development.md lists the functions.
"""

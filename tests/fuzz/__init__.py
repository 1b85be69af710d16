"""Fuzzing: what comes from outside is mutated at random, and must be taken or refused.

`engine` mutates and counts, `targets` are the doors, `corpus` holds the first inputs of each.
"""

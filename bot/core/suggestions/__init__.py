"""What a mistyped tag may have meant, and how it is asked back about.

Likeness of texts and the question about it; the known tags are given.
Begin at `confirmation`.
"""

"""The simulated Web API: /api/<method>.

One module for each family of methods.
Begin at `api`.
"""

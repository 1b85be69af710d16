"""The operations of the simulated CDN's API.

State is in the package above; here requests are read and answered.
Begin at `gateway`.
"""

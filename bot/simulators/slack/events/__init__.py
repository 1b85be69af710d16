"""What the simulated Slack brings to the app, over HTTP or a socket.

Payloads, signatures, deliveries and what the app answers to them.
Begin at `delivery`.
"""

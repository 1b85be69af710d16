"""Whether this process is alive and ready, and the figures that say so.

It looks at everything below and changes nothing; what it finds is told at /healthz and /metrics.
Begin at `checks`; `endpoint` serves them, `ingress` counts who was refused over HTTP.
"""

"""Whether this process is alive and ready, and its metrics.

Modules here read everything and change nothing.  Results are served at /healthz, /readyz, /metrics.
Start reading at `checks`; `endpoint` serves them, `ingress` counts refused HTTP requests.
"""

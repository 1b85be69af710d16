"""What operators see: logs, metrics, traces.

It counts and tells, and decides nothing; no domain, tag or person is a label.
Begin at `metrics`; `logs` says how a line looks, `tracing` how a purge becomes one trace.
"""

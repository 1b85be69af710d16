"""What operators see: logs, metrics, traces.

Modules here count and report, and decide nothing.  No label is a domain, a tag or a person.
Start reading at `metrics`; `logs` defines the log lines, `tracing` the trace of a purge.
"""

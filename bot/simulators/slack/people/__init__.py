"""People in the simulated workspace: what they see and do, and the controls.

Used by tests and by the demo's page.
Begin at `control`.
"""

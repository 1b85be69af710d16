"""A toy town on loopback: a pretend Slack, a pretend CDN and a page to walk in."""

"""What the CDN may report, in our terms: errors, quotas, health.

Reading responses is in `bot.cdn`.
Start reading at `errors`.
"""

"""What the CDN may say, in our words: errors, quotas, how it is.

How a response is read is in `bot.cdn`.
Begin at `errors`.
"""

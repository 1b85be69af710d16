"""The road to the CDN: sign a request, send it once, read the answer.

credentials   where the keys come from
signing       signs a request with them
connections   sends it, and knows whether it can have left
answers       reads success
faults        reads everything else: refused, or in doubt
client        the four questions that we ask
"""

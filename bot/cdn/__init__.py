"""The road to the CDN: sign a request, send it once, read the answer.

credentials   where the keys come from
signing       signs a request with them
transport     sends it, and knows whether it can have left
responses     reads success
error_codes   reads everything else: refused, or in doubt
client        the four questions that we ask
edge_probe    looks at one page on the edge
"""

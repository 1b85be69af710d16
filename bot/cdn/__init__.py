"""The connection to the CDN: sign a request, send it once, read the answer.

credentials   finds the keys
signing       signs a request with them
transport     sends it, and knows whether it can have left
responses     reads success
error_codes   reads everything else: refused, or in doubt
client        the calls of the API
edge_probe    requests one page from the edge
"""

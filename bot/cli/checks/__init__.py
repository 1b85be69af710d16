"""What `purgebot check` looks at: each module yields findings about one part of the set-up.

Nothing here purges, posts or changes anything.
Start reading at `findings`: what a finding is, and what the checks share.
"""

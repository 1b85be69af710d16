"""What operators do to a database that is not in use: import and restore.

Nothing here runs while the bot does.
Begin at `import_sqlite`.
"""

"""Backups through psycopg.

One snapshot, compressed, sealed so that the build that writes them cannot read them.
"""

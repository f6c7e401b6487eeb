"""Adopts the table of users of another bot in the same database."""

"""A Postgres of their own and, for each test, an empty database in which another bot has its tables."""

from tests.tools.database.conftest import empty_url, known_rows, server

__all__ = ["empty_url", "known_rows", "server"]

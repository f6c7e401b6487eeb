"""Courses as folders: check them, and load them into a database."""

"""Courses on the web: content as folders (library.py), and the pages of learners and authors (pages)."""

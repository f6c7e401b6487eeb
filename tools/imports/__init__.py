"""Imports of users that another bot or service kept."""

"""Checks the scenarios and cases of the trainer."""

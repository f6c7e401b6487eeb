"""Checks of a deployment, before it changes anything."""

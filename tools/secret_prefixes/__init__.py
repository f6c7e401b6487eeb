"""Writes shared/core/secret_prefixes.py from a catalogue of secret patterns."""

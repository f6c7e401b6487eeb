"""Writes shared/core/secret_shapes.py from a catalogue of secret shapes."""

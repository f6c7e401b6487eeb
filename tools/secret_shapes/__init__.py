"""Writes shared/secret_shapes.py from a catalogue of secret shapes."""

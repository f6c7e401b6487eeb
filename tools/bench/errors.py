"""What can go wrong in a measurement."""


class BenchError(Exception):
    """Something broke, so there are no figures; the message says what."""

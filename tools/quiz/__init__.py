"""Checks question banks and converts those of other programs: `./switchboard questions`."""

"""Mutated requests over HTTP against every function, reproducible by their seed.

`./switchboard fuzz` sends 30,000 bodies to each function, `test_fuzz.py` a few hundred with every run of
the suite. A run fails when a function answers 5xx other than the documented 503, does not answer, or raises
an ALERT that no operator needs to see (`run.NEEDED`).
"""

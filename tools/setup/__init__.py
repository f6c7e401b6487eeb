"""The wizard `./switchboard setup`: walks an owner through docs/deployment.md, checking each answer at once.

What exists is found by asking the cloud, so a run that was cut off anywhere is continued by the next one. The
only file is one of answers that are no secrets.
"""

"""The command line `./switchboard`: finds or makes the environment, then runs one command in it.

Uses the standard library alone, because it runs before anything is installed.
"""

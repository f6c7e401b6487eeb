"""Postgres on your own machine, migrations on any Postgres, and the proof that both schema texts agree.

`./switchboard database --help` lists the commands; `embedded.Server` and `migrate.sync` are what the
emulator, the tests and deployments call.
"""

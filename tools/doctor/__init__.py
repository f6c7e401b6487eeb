"""`./switchboard doctor`: checks this checkout and the deployment, and changes nothing.

Each check is one line with its remedy. The wizard (`tools.setup`) does what the remedies say.
"""

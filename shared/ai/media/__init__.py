"""Pictures and videos made by AI models, behind one contract (`contract.MediaProvider`).

    provider = providers.load(key)
    outcome = provider.submit(request, deadline)

A provider is one package in `providers/` and knows no database: the worker that stores jobs calls `submit`
once, `read` until the outcome is final, and `download` for each file.
"""

"""Durable jobs that generate pictures and videos (docs/generations.md).

The telegram function reserves a job and takes its price (ordering.py). A worker does the rest in the function
`scheduled`: submission, polling, copying, delivery, each committed before the next one. A job survives a
crash between any two steps and a slow provider: it is paid for once and delivered, or its price is released
once.
"""

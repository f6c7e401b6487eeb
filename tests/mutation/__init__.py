"""Mutation of SQL functions: each comparison, constant and conflict clause changes once; a test must fail."""

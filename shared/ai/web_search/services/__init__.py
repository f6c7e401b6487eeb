"""Providers that search the web, one file each."""

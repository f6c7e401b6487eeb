"""Addresses that several pages of the messenger lead to."""

PATH = "/messenger"

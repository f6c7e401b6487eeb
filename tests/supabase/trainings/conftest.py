"""Fixtures of other areas that the tests of trainings use."""

from tests.supabase.admins.conftest import refused

__all__ = ["refused"]

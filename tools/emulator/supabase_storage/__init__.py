"""A fake of Supabase Storage behind Supabase's gateway, at the wire level."""

from tools.emulator.supabase_storage.server import StorageServer

__all__ = ["StorageServer"]

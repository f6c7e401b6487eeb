"""The base of all other packages, which it never imports: settings, database, HTTP, log, texts, pictures."""

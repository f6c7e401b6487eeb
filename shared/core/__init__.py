"""What every other package stands on and what knows none of them: settings, database, HTTP, log, texts."""

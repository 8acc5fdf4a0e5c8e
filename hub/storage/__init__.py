"""Where things are kept: readings and records in SQLite, documents of human scale in TinyDB."""

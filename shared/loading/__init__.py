"""The one write path, by which valid rows reach their table exactly once."""

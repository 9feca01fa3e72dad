"""The one write path: how rows that passed the gate reach their table, exactly once."""

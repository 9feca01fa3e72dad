"""The dashboard: its page, and the calls that only it makes."""

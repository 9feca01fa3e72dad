"""The embedded platform: the same functions on one machine."""

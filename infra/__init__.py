"""Where the functions run: Google Cloud, and one machine."""

"""Coverage-guided fuzzing of the parsers of untrusted input; a test replays its corpus."""

"""The verbs of the command line, a few to a file. Each is imported when it is used."""

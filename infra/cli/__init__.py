"""The command line, `./tablegate`: for the embedded platform, and for one on Google Cloud."""

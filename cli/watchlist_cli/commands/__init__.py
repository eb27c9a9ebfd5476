"""What each command does: asks the service, decides, prints, and returns the exit code."""

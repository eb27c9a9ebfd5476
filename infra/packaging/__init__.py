"""Builds the Lambda packages: without Docker, only what each function needs, the same bytes for the same inputs."""

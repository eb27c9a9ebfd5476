"""What the task definition and tasks/Dockerfile agree on."""

SCRATCH = "/scratch"
"""The only place where a task can write; the image has it under the same path, owned by its user."""

USER = "10001:10001"
"""User and group, as numbers, since no name has to be looked up for them."""

SCORECARD = "/usr/local/bin/scorecard"
"""Where Scorecard is."""

"""What the packages are built for; one place for the runtime of the functions and the packages that go into it."""

PYTHON_VERSION = "3.13"
"""Python of the Lambda runtime, of the packages' wheels and of their bytecode."""

PYTHON_PLATFORM = "aarch64-manylinux2014"
"""uv's name of the platform of Lambda on ARM."""

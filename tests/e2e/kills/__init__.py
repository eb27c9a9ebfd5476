"""Who is killed at which point, and what is kept: `tests/e2e/test_kills.py` strikes, docs/runbook.md has the table."""

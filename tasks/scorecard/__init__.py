"""OpenSSF Scorecard: from the best source that has a result, with the reason where there is none."""

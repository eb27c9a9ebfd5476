"""Signing in at the service's issuer of tokens, and staying so."""

"""Duly's own database: rule versions, checks, cases, firings, deliveries, journal."""

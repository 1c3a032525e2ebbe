"""The engine: check, ladder, audience, compose, sender, one tick at a time."""

"""What third parties import as ``duly``: channels, actions, messages, verdicts, hook specs."""

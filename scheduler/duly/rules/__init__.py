"""Files in, rules out: the YAML loader, problems, the vocabulary, the plan, the snapshot."""

"""The commands, for people and for programs."""

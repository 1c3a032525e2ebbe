"""The daemon: threads and timers around the engine, reload, signals, health."""

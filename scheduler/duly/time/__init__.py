"""The time floor: clocks, zones, durations, hours, calendars, working time, windows and slots.

An instant is an aware ``datetime`` in UTC. Only `duly.time.clock` reads the time; all else is arithmetic, the same on
every node.
"""

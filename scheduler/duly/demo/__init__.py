"""The demo: a made-up shop whose service database moves by itself, and the view that shows Duly at work on it."""

"""`cco demo`, and the scripted model that it shares with the end-to-end tests."""

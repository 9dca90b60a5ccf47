"""Attempts to get in, to get out, to get in the way, and the refusal that each must meet."""

"""Everything known about Claude Code: where it is, what it is given, how it is started."""

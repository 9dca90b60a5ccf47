"""What Claude Code reports through its hooks, and what it is told in answer."""

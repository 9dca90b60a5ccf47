"""Put the frozen program on PATH for one user, and take everything of it away again."""

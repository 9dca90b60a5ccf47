"""The background process: HTTP on loopback, and whoever talks to it."""

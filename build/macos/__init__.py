"""Signing and notarising on macOS, with Apple's own tools."""

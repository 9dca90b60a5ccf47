"""Bytes in, sealed bytes out; the four files as one set. docs/sealing.md is the specification."""

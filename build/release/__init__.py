"""How a release is made of what the freeze gives: names, checks, checksums, lists of parts."""

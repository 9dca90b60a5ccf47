"""Windows on a Linux machine: wine, a Python in it, and cco frozen and tested there."""

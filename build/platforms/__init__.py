"""Other systems on this machine: Debian root file systems, and portable builds inside them."""

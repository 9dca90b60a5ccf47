"""What the documents show is run, and what they say is compared with the program."""

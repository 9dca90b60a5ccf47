"""How a release is made: its logic, its workflows run on this machine, its artefacts tried out."""

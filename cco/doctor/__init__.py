"""Whether cco would work here, and why not: one file per area of the examination."""

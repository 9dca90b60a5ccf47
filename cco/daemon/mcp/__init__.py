"""POST /mcp: notes, edits and the catalogue as tools of the Model Context Protocol."""

"""What the HTTP API is, as OpenAPI 3.1: one small module for each resource, put together here."""

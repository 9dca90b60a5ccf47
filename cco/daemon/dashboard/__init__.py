"""The dashboard's pages, and who may see them."""

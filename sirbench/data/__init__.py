"""Collections, PyDocs, runs, downloads, and the token store that training reads."""

"""What is ranked and by what: collections, PyDocs, runs, and what training reads of them."""

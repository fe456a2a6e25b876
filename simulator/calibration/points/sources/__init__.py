"""One module per source of operating points: what its rows leave open, and what is assumed in its place."""

"""Reports people look at: one self-contained HTML page and terminal tables."""

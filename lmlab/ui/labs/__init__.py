"""What the level Labs shows and hands out: statements, starters, number boxes, results."""

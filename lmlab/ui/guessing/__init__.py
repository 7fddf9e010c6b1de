"""What the level Guess keeps and says: rounds, what was played, the board, and what it came to."""

"""Labs: finding them, checking a student's file, keeping progress, and grading a class."""

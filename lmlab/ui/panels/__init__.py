"""Parts of a level that are large enough to stand alone; a level builds them below its main pair."""

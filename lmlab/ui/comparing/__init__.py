"""The parts of the level Compare, one module each: components, what they show, and their events."""

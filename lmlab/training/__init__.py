"""Recipes, objectives, optimisers and the one training loop. `recipe.py` and `presets.py` need no torch."""

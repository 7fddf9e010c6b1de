"""Forget an owner: remove all that lies on the disk under their id. Needs no torch."""

import shutil

from lmlab.runs.cards import drop_cards, home, owner_folder, owner_key


def forget_owner(owner: str) -> None:
    """Remove an owner's runs, texts and downloads; the bundled runs are nobody's and stay. Also from memory."""
    for folder in home().glob(f"*/{owner_key(owner)}"):
        shutil.rmtree(folder, ignore_errors=True)
    drop_cards(owner_folder(owner))

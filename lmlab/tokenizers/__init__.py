"""Text as integers. `characters.py` is the first tokenizer; all share the protocol described there."""

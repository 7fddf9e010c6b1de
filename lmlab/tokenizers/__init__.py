"""Text as integers: characters, words, byte pairs, GPT-2. All share the protocol in `protocol.py`."""

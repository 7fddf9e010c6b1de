"""`python -m lmlab …`: the command line.

A spawned worker imports this module again, so nothing stands outside the guard.
"""

if __name__ == "__main__":
    from lmlab.cli import app

    app(prog_name="python -m lmlab")

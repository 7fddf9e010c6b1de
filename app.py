"""The lab as a web page: `python app.py`, and the entry point on Hugging Face Spaces.

Nothing but light imports stands outside the main guard, because every worker process imports this file again.
"""

if __name__ == "__main__":
    from lmlab.ui.server import main

    main()

"""lmlab: learn language modelling with your own hands, from letter pairs to a small GPT.

The package is a house with floors; imports go downwards only:

    data, tokenizers      corpora, and text as integers
    models                count tables and networks behind one protocol
    evaluation            the one loss, the ruler, projections
    generation            sampling rules, decoding, a trace of every choice
    training              recipes and the one training loop
    runs                  a trained model with its card, on disk
    jobs, figures         training in worker processes; plotly figures from arrays
    grading               the labs: checking a student's file, grading a class
    ui, cli               the Gradio app and `python -m lmlab`

Start reading at `lmlab/models/ngram.py`.
"""

__version__ = "0.1.0"

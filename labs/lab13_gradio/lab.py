# %% [markdown]
# # Lab 13: Your own app
#
# Read README.md first. Write the functions below, and look at your app with the last cell. Check yourself:
#
#     python -m lmlab check lab13
#
# The first three functions and the last one are checked alone. `respond` and `build_demo` may use what you wrote.

# %%
import numpy as np

# %% [markdown]
# ## 13.1 What people type (2 points, 15 minutes)


# %%
def clean_input(beginning, temperature, seed):
    """What people entered, as values that can be worked with.

    beginning   : string, or None for nothing: how the names shall begin
    temperature : number, or None where the field was emptied
    seed        : number, or None where the field was emptied; a browser may send 3 as 3 or as 3.0
    -> a tuple: the beginning without white space around it and in small letters ("" for nothing); the temperature as
       a float; the seed as an int

    Raises ValueError when the beginning has any sign but a to z, or more than 12 letters; when the temperature is
    None or not from 0.1 to 3 (nan is not); when the seed is None, below 0 or not whole. Its text is for the people
    who use the app: a sentence that says which value is wrong and what to do.

    Example: clean_input(" An ", 1, 7.0) -> ("an", 1.0, 7)
             clean_input("an", 1, None) raises ValueError("The seed is empty. Write a whole number, 0 or more.")
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 13.2 A name with a given beginning (2 points, 15 minutes)


# %%
def roll_name(table, beginning, temperature, u):
    """A name that begins as wanted, and goes on as the numbers say.

    table       : (27, 27) float array: table[i, j] is the natural logarithm of the probability that symbol j comes
                  after symbol i; symbol 0 is the mark, 1 to 26 are a to z
    beginning   : string of the letters a to z, perhaps empty
    temperature : number above 0
    u           : (T,) float array of random numbers, 0 <= u < 1
    -> string: the beginning and the letters that were rolled, without marks

    Begin in the row of the beginning's last letter, or in the mark's row where there is none. For each number of u in
    turn: the probabilities are exp(row / temperature), divided by their sum; the next symbol is the first id j whose
    probability, added to all before it, is above u[i]. The mark ends the name; a letter is added, and its row is the
    next. After T rolls the name ends in any case. Nothing has to be refused here.

    Example: with a table in which a (id 1) is followed by b or the mark with probability 0.5 each, b by a always:
             roll_name(table, "ba", 1.0, [0.7, 0.1, 0.2]) -> "baba"   (0.7 rolls b, 0.1 then a, 0.2 the mark)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 13.3 Text stays text (1.25 points, 10 minutes)


# %%
def as_html(title, names):
    """A heading and a numbered list as HTML, in which every text is shown as it is.

    title : string          names : list of strings
    -> string: <h3>title</h3><ol><li>first name</li><li>second name</li></ol>, without spaces or line breaks between

    In the title and in every name the five signs & < > " ' become &amp; &lt; &gt; &quot; &#x27; as html.escape writes
    them (import html). With no names the list is empty: <ol></ol>. Nothing has to be
    refused here: every text can be shown.

    Example: as_html("A & B", ["ann", "<b>"]) -> "<h3>A &amp; B</h3><ol><li>ann</li><li>&lt;b&gt;</li></ol>"
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 13.4 An answer for everything (1.5 points, 10 minutes)


# %%
def respond(weights, beginning, temperature, seed):
    """What the app shows when the button is pressed: ten names, or a sentence that says what is wrong.

    weights : dict with "table", the (27, 27) float32 array that roll_name takes
    beginning, temperature, seed : as people entered them, see clean_input
    -> string of HTML. For good input as_html("Ten names", names) with ten names, each with random numbers of its own
       (20 for each name), all from one np.random.default_rng(seed). For bad input <p> and </p> around the sentence of
       the ValueError, where every sign is escaped as in as_html, because the sentence may quote what was typed.

    The same arguments always give the same names. It never raises an exception for anything that people can enter:
    nothing has to be refused here, bad input is answered.

    Example: respond(weights, "<b>", 1.0, 3) -> "<p>The beginning &#x27;&lt;b&gt;&#x27; has other signs than a to z.
             Write letters only.</p>" (on one line, and in your own words)
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 13.5 The app (1.5 points, 20 minutes)


# %%
def build_demo(weights):
    """The app as a gr.Blocks, not yet launched.

    weights : dict of arrays, see respond
    -> gr.Blocks with a gr.Textbox for the beginning, a gr.Slider from 0.1 to 3 for the temperature, a gr.Number for
       the seed, a gr.Button, and one gr.HTML for the answer

    A click on the button calls respond with these weights and the three values, in this order, and shows what comes
    back. The event has api_name="names", so that programs can ask too. Raises nothing: bad input is answered.
    Begin with `import gradio as gr` here, inside the function: it takes seconds, and no other function needs it.

    Example: with demo = build_demo(weights); demo.launch() in one window, in another one
             gradio_client.Client("http://127.0.0.1:7860").predict("an", 1.0, 7, api_name="/names")
             -> "<h3>Ten names</h3><ol><li>an…"
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 13.6 What a Space has to know (0.75 points, 5 minutes)


# %%
def space_header(title, version):
    """The first lines of the README.md of a Hugging Face Space, which say how to start the app.

    title : string          version : string, the version of Gradio as three numbers with dots
    -> string of six lines, each with a line break at its end: ---, title:, sdk: gradio, sdk_version:,
       app_file: lab.py, ---

    The title stands in double quotes, as json.dumps(title, ensure_ascii=False) writes it (import json), because a
    colon in it would begin something new. Raises ValueError when nothing but white space is in the title.

    Example: space_header("Names: mine", "6.31.0") ->
             '---\\ntitle: "Names: mine"\\nsdk: gradio\\nsdk_version: 6.31.0\\napp_file: lab.py\\n---\\n'
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% [markdown]
# ## 13.7 The open experiment (1 point, 10 minutes)
#
# An app on a small machine wants a small model. What is the best one with at most 3,000 numbers, three tables of
# pairs and a little? The weights that you hand in are those of your app, so "table" is among them. The point is yours
# with 2.35 nats per character or less.


# %%
def predict(weights, contexts):
    """The logarithm of the probability of every next symbol, after each context.

    weights  : dict of float32 arrays, as you saved them
    contexts : (B, 3) int array, the ids of the three symbols before; 0 (the mark) fills the space before a name
    ->         (B, 27) float array of natural logarithms: exp of each row sums to 1

    The ids are 0 for the mark and 1 to 26 for a to z. Each row is answered from its own context alone. Nothing has to
    be refused here.

    Example: with weights {"table": (27, 27) log-probabilities}, a bigram is weights["table"][contexts[:, -1]]
    """
    # YOUR CODE HERE
    raise NotImplementedError


# %% The weights of your app and of your experiment: a bigram, for a beginning
if __name__ == "__main__":
    from pathlib import Path

    from safetensors.numpy import load_file, save_file

    if not Path("weights.safetensors").exists():  # on a Space they are there, and lmlab is not needed
        from lmlab.data.corpus import load_corpus

        N = np.full((27, 27), 0.1)
        for name in load_corpus("names").part("train"):
            ids = [0] + [ord(letter) - 96 for letter in name] + [0]
            np.add.at(N, (ids[:-1], ids[1:]), 1)
        save_file({"table": np.log(N / N.sum(axis=1, keepdims=True)).astype(np.float32)}, "weights.safetensors")

# %% Write the files of a Space beside lab.py
if __name__ == "__main__" and not Path("space").exists():
    import gradio

    Path("space").mkdir()
    head = space_header("Names that never were", gradio.__version__)
    Path("space", "README.md").write_text(head + "\nNames from a bigram, rolled letter by letter.\n", "utf-8")
    Path("space", "requirements.txt").write_text("numpy\nsafetensors\n", "utf-8")

# %% Look at your app: open the address that is printed, and stop it with Ctrl-C
if __name__ == "__main__":
    build_demo(load_file("weights.safetensors")).launch()

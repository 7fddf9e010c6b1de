"""A full solution of lab 13, written as a student might. Not shipped."""

import html
import json

import numpy as np

SMALL = "abcdefghijklmnopqrstuvwxyz"


def clean_input(beginning, temperature, seed):
    beginning = (beginning or "").strip().lower()
    for letter in beginning:
        if letter not in SMALL:
            raise ValueError(f"A name cannot begin with {beginning}: use the letters a to z.")
    if len(beginning) > 12:
        raise ValueError("The beginning is too long: use at most 12 letters.")
    if temperature is None or not (0.1 <= temperature <= 3):
        raise ValueError("The temperature has to be between 0.1 and 3.")
    if seed is None:
        raise ValueError("The seed is empty: write a whole number.")
    if seed < 0 or int(seed) != seed:
        raise ValueError(f"The seed {seed} does not work: write a whole number, 0 or more.")
    return beginning, float(temperature), int(seed)


def roll_name(table, beginning, temperature, u):
    name = beginning
    now = SMALL.index(name[-1]) + 1 if name else 0
    for x in u:
        p = np.exp(table[now] / temperature - np.max(table[now] / temperature))
        p = p / p.sum()
        total, now = 0.0, 0
        for j in range(27):
            total += p[j]
            now = j
            if total > x:
                break
        if now == 0:
            return name
        name += SMALL[now - 1]
    return name


def as_html(title, names):
    lines = ["<li>%s</li>" % html.escape(name) for name in names]
    return "<h3>%s</h3><ol>%s</ol>" % (html.escape(title), "".join(lines))


def respond(weights, beginning, temperature, seed):
    try:
        beginning, temperature, seed = clean_input(beginning, temperature, seed)
    except ValueError as problem:
        return "<p>" + html.escape(str(problem)) + "</p>"
    numbers = np.random.default_rng(seed).random((10, 20))
    return as_html("Ten names", [roll_name(weights["table"], beginning, temperature, u) for u in numbers])


def build_demo(weights):
    import gradio as gr

    def answer(beginning, temperature, seed):
        return respond(weights, beginning, temperature, seed)

    with gr.Blocks(title="Names") as demo:
        gr.Markdown("# Names that never were")
        beginning = gr.Textbox(label="The names begin with")
        temperature = gr.Slider(0.1, 3, value=1, label="Temperature")
        seed = gr.Number(value=1, label="Seed")
        go = gr.Button("Roll")
        shown = gr.HTML()
        go.click(answer, [beginning, temperature, seed], shown, api_name="names")
    return demo


def space_header(title, version):
    if not title.strip():
        raise ValueError("a Space needs a title")
    settings = {"title": json.dumps(title, ensure_ascii=False), "sdk": "gradio", "sdk_version": version}
    settings["app_file"] = "lab.py"
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in settings.items()) + "---\n"


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def predict(weights, contexts):
    return log_softmax(
        weights["last"][contexts[:, 2]] + weights["before"][contexts[:, 1]] + weights["first"][contexts[:, 0]]
    )


def weights(names):
    """The app's bigram, and three tables whose rows are added: one for each of the last three symbols."""
    contexts, targets = [], []
    for name in names:
        ids = [0, 0, 0] + [ord(letter) - 96 for letter in name] + [0]
        for i in range(3, len(ids)):
            contexts.append(ids[i - 3 : i])
            targets.append(ids[i])
    contexts, targets = np.array(contexts), np.array(targets)
    counts = np.full((27, 27), 0.1)
    np.add.at(counts, (contexts[:, 2], targets), 1)
    table = np.log(counts / counts.sum(axis=1, keepdims=True))
    W = np.zeros((3, 27, 27))
    W[2] = table
    rng = np.random.default_rng(1)
    steps = 400
    for step in range(steps):
        some = rng.integers(0, len(targets), 2048)
        z = sum(W[i][contexts[some, i]] for i in range(3))
        d = np.exp(log_softmax(z))
        d[np.arange(len(some)), targets[some]] -= 1
        for i in range(3):
            slope = np.eye(27)[contexts[some, i]].T @ d / len(some)
            W[i] -= 8 * (1 - step / steps) * slope
    found = {"table": table, "last": W[2], "before": W[1], "first": W[0]}
    return {name: value.astype(np.float32) for name, value in found.items()}

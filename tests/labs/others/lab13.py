"""Mistakes in lab 13 that its checks do not list: none crashes the checker, each gets a sentence."""

OTHERS = {
    "clean_input": [
        # the sentence is returned in place of raised
        """
def clean_input(beginning, temperature, seed):
    if not str(beginning).strip().isascii():
        return "Only letters, please."
    return (beginning or "").strip().lower(), float(temperature), int(seed)
""",
        # None is not thought of
        """
def clean_input(beginning, temperature, seed):
    beginning = beginning.strip().lower()
    if not all("a" <= letter <= "z" for letter in beginning) or len(beginning) > 12:
        raise ValueError("letters")
    if not 0.1 <= temperature <= 3 or seed != int(seed):
        raise ValueError("numbers")
    return beginning, temperature, int(seed)
""",
    ],
    "roll_name": [
        # softmax without subtracting, a loop over letters that is one off
        """
def roll_name(table, beginning, temperature, u):
    name, now = beginning, ord(beginning[-1]) - 97 if beginning else 0
    for x in u:
        p = np.exp(table[now] / temperature)
        now = int(np.searchsorted(np.cumsum(p / p.sum()), x, side="right"))
        if now == 0:
            break
        name += chr(96 + now)
    return name
""",
        # random numbers of its own
        """
def roll_name(table, beginning, temperature, u):
    rng = np.random.default_rng()
    return beginning + "".join(chr(97 + i) for i in rng.integers(0, 26, len(u)))
""",
        # the mark is added and rolling goes on
        """
def roll_name(table, beginning, temperature, u):
    name, now = beginning, ord(beginning[-1]) - 96 if beginning else 0
    for x in u:
        p = np.exp(table[now] / temperature)
        now = int(np.searchsorted(np.cumsum(p / p.sum()), x, side="right"))
        name += "." if now == 0 else chr(96 + now)
    return name
""",
    ],
    "as_html": [
        # lines
        """
def as_html(title, names):
    import html
    lines = [f"<li>{html.escape(name)}</li>" for name in names]
    return "<h3>" + html.escape(title) + "</h3>\\n<ol>\\n" + "\\n".join(lines) + "</ol>"
""",
        # a list
        """
def as_html(title, names):
    return [title, *names]
""",
    ],
    "respond": [
        # everything is caught, and Python's own words are shown
        """
def respond(weights, beginning, temperature, seed):
    try:
        return "<ol>" + "".join(f"<li>{beginning}{i}</li>" for i in range(int(seed), int(seed) + 10)) + "</ol>"
    except Exception as error:
        return f"<p>{error}</p>"
""",
        # nothing is returned for bad input
        """
def respond(weights, beginning, temperature, seed):
    if seed is not None and beginning.isalpha():
        return "<ol>" + "<li>ann</li>" * 10 + "</ol>"
""",
    ],
    "build_demo": [
        # nothing is returned
        """
def build_demo(weights):
    import gradio as gr
    with gr.Blocks() as demo:
        gr.Textbox()
""",
        # launched inside, and no name for the event
        """
def build_demo(weights):
    import gradio as gr
    with gr.Blocks() as demo:
        a, b, c, shown = gr.Textbox(), gr.Slider(0.1, 3), gr.Number(), gr.HTML()
        gr.Button().click(lambda *values: "<p>hello to all of you</p>", [a, b, c], shown)
    demo.launch()
    return demo
""",
        # no name for the event
        """
def build_demo(weights):
    import gradio as gr
    with gr.Blocks() as demo:
        a, b, c, shown = gr.Textbox(), gr.Slider(0.1, 3), gr.Number(), gr.HTML()
        gr.Button().click(lambda *values: "<p>hello to all of you</p>", [a, b, c], shown)
    return demo
""",
        # an exception for an empty seed, and inputs in another order
        """
def build_demo(weights):
    import gradio as gr
    def answer(seed, beginning, temperature):
        return "".join(f"<li>{beginning}{int(seed) + i}</li>" for i in range(10))
    with gr.Blocks() as demo:
        a, b, c, shown = gr.Textbox(), gr.Slider(0.1, 3), gr.Number(), gr.HTML()
        gr.Button().click(answer, [a, b, c], shown, api_name="names")
    return demo
""",
        # a Textbox for the answer
        """
def build_demo(weights):
    import gradio as gr
    with gr.Blocks() as demo:
        a, b, c, shown = gr.Textbox(), gr.Slider(0.1, 3), gr.Number(), gr.Textbox()
        gr.Button().click(lambda *values: "ann", [a, b, c], shown, api_name="names")
    return demo
""",
    ],
    "space_header": [
        # single quotes
        """
def space_header(title, version):
    if not title.strip():
        raise ValueError("title")
    return f"---\\ntitle: '{title}'\\nsdk: gradio\\nsdk_version: {version}\\napp_file: lab.py\\n---\\n"
""",
        # a dict
        """
def space_header(title, version):
    return {"title": title, "sdk": "gradio", "sdk_version": version, "app_file": "lab.py"}
""",
    ],
}

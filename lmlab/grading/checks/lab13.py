"""Lab 13, your own Gradio app: what is checked, the mistakes people make, and the numbers of its README."""

import html
import json
import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from typing import Any

import numpy as np

from lmlab.data.corpus import load_corpus
from lmlab.grading.exercise import Args, Exercise, Item, Wrong

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SYMBOLS = 27  # the mark, a to z
NAMES = 10  # that respond rolls
ROLLS = 20  # letters at most that are added to a beginning
LONGEST = 12  # letters of a beginning
NEVER = -1000.0  # the logarithm of a probability that is nothing
OURS = ("h3", "ol", "ul", "li", "p", "div", "span", "b", "strong", "em", "i", "br")  # tags an answer may have
Request = tuple[Any, Any, Any]
Weights = dict[str, np.ndarray]


# --- the reference ---------------------------------------------------------------------------------------------


def clean_input(beginning: Any, temperature: Any, seed: Any) -> tuple[str, float, int]:
    """What people entered as values that can be worked with; a ValueError says what cannot."""
    letters = ("" if beginning is None else beginning).strip().lower()
    if any(letter not in LETTERS for letter in letters):
        raise ValueError(f"The beginning {letters!r} has other signs than a to z. Write letters only.")
    if len(letters) > LONGEST:
        raise ValueError(f"The beginning has {len(letters)} letters. Write at most {LONGEST}.")
    if temperature is None or not 0.1 <= temperature <= 3:
        raise ValueError(f"The temperature is {temperature}. Choose one from 0.1 to 3.")
    if seed is None or seed < 0 or seed != int(seed):
        raise ValueError(f"The seed is {seed}. Write a whole number, 0 or more.")
    return letters, float(temperature), int(seed)


def warm(row: np.ndarray, temperature: float) -> np.ndarray:
    """(27,) the probabilities of a row of logarithms at a temperature."""
    z = np.asarray(row, dtype=float) / temperature
    p = np.exp(z - z.max())
    return p / p.sum()


def roll_name(table: np.ndarray, beginning: str, temperature: float, u: np.ndarray) -> str:
    """A beginning, and the letters that the numbers say."""
    return beginning + rolled(table, number_of(beginning[-1:]), u, lambda row: warm(row, temperature))


def number_of(letter: str) -> int:
    """The id of a letter, 0 for none."""
    return 1 + LETTERS.index(letter) if letter else 0


def rolled(
    table: np.ndarray, now: int, u: np.ndarray, chances: Callable[[np.ndarray], np.ndarray], stays: bool = False
) -> str:
    """Letters from the row `now` on; with `stays` every roll is from that row."""
    name = ""
    for x in u:
        found = min(int(np.searchsorted(np.cumsum(chances(table[now])), x, side="right")), SYMBOLS - 1)
        if found == 0:
            break
        name += LETTERS[found - 1]
        now = now if stays else found
    return name


def as_html(title: str, names: list[str]) -> str:
    """A heading and a list; whatever was typed stays text."""
    return page(html.escape(title), [html.escape(name) for name in names])


def page(title: str, names: list[str]) -> str:
    """The tags around texts that are put in as they are."""
    return f"<h3>{title}</h3><ol>" + "".join(f"<li>{name}</li>" for name in names) + "</ol>"


def respond(weights: Weights, beginning: Any, temperature: Any, seed: Any) -> str:
    """Ten names as HTML, or a sentence as HTML."""
    try:
        letters, warmth, number = clean_input(beginning, temperature, seed)
    except ValueError as error:
        return f"<p>{html.escape(str(error))}</p>"
    rng = np.random.default_rng(number)
    return as_html(
        "Ten names", [roll_name(weights["table"], letters, warmth, rng.random(ROLLS)) for _ in range(NAMES)]
    )


def answers(weights: Weights, requests: list[Request]) -> list[str]:
    """What `respond` says to each request."""
    return [respond(weights, *request) for request in requests]


def app_answers(weights: Weights, requests: list[Request]) -> dict[str, Any]:
    """What a right app says to each request over its interface."""
    return {"problem": "", "answers": answers(weights, requests)}


def space_header(title: str, version: str) -> str:
    """The head of a Space's README.md."""
    if not title.strip() or not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(
            "the title is empty" if not title.strip() else f"the version {version!r} is not three numbers"
        )
    return header(json.dumps(title, ensure_ascii=False), version)


def header(title: str, version: str) -> str:
    """The lines, with a title that is put in as it is."""
    return f"---\ntitle: {title}\nsdk: gradio\nsdk_version: {version}\napp_file: lab.py\n---\n"


# --- the arguments ---------------------------------------------------------------------------------------------


def letters(rng: np.random.Generator, least: int = 2, most: int = 7) -> str:
    """Some letters."""
    return "".join(rng.choice(list(LETTERS), int(rng.integers(least, most))))


def some_table(rng: np.random.Generator, ends: float = 0.08) -> np.ndarray:
    """(27, 27) logarithms of rows that sum to 1; a name ends with probability `ends` and never at once."""
    P = rng.random((SYMBOLS, SYMBOLS)) ** 6 + 1e-3
    P[:, 0] = 0
    P *= (1 - ends) / P.sum(axis=1, keepdims=True)
    P[1:, 0] = ends
    P[0] /= P[0].sum()
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(P), NEVER)


def cycle(rng: np.random.Generator, sure: float = 0.85) -> Weights:
    """Weights under which every letter has one likely successor, so that a low temperature leaves one name only.

    The letters stand in a ring that is drawn at random; one of them, and no other, is likely to be the last.
    """
    ring = rng.permutation(np.arange(1, SYMBOLS))
    P = np.zeros((SYMBOLS, SYMBOLS))
    P[0, ring[0]] = sure
    P[0, ring[3]] = 1 - sure
    for i, symbol in enumerate(ring):
        following = ring[(i + 1) % len(ring)] if i % 6 != 4 else 0
        P[symbol, following] = sure
        P[symbol, ring[(i + 9) % len(ring)]] += 1 - sure
    with np.errstate(divide="ignore"):
        return {"table": np.maximum(np.log(P), NEVER).astype(np.float32)}


def typed(rng: np.random.Generator) -> Args:
    """What people type: capitals and spaces, and numbers as a browser sends them."""
    beginning = f" {letters(rng).title()}  "
    return beginning, float(rng.uniform(0.5, 2)), float(rng.integers(1, 1000))


def typed_nothing(rng: np.random.Generator) -> Args:
    """An empty beginning; the temperature is a whole number."""
    return (None if rng.random() < 0.5 else "  "), int(rng.integers(1, 4)), int(rng.integers(1, 1000))


def with_beginning(change: Callable[[np.random.Generator], str]) -> Callable[[np.random.Generator], Args]:
    """Good values with another beginning."""
    return lambda rng: (change(rng), *typed(rng)[1:])


def foreign_letter(rng: np.random.Generator) -> str:
    """Letters, one of which is none of a to z."""
    return letters(rng) + str(rng.choice(list("éñøप中"))) + letters(rng)


def with_seed(seed: Callable[[np.random.Generator], Any]) -> Callable[[np.random.Generator], Args]:
    """Good values with another seed."""
    return lambda rng: (*typed(rng)[:2], seed(rng))


def no_seed(rng: np.random.Generator) -> float:
    """A number that is not whole, or is below 0."""
    number = int(rng.integers(1, 9))
    return number + 0.5 if rng.random() < 0.5 else -number


def too_hot(rng: np.random.Generator) -> Args:
    """A temperature above 3, or below 0.1."""
    return letters(rng), float(rng.choice([rng.uniform(3.1, 9), rng.uniform(0, 0.09), -1])), 3


def at_the_limits(rng: np.random.Generator) -> Args:
    """Twelve letters, the lowest or the highest temperature, and the seed 0."""
    return letters(rng, 12, 13).upper(), float(rng.choice([0.1, 3])), 0


def to_roll(rng: np.random.Generator, temperature: float | None = 1.0, beginning: bool = True) -> Args:
    """A table, a beginning of different letters, a temperature, and numbers."""
    start = "".join(rng.permutation(list(LETTERS))[: int(rng.integers(3, 6))]) if beginning else ""
    warmth = float(rng.choice([0.4, 0.6, 1.7, 2.4])) if temperature is None else temperature
    return some_table(rng), start, warmth, rng.random(14)


def first_number_zero(rng: np.random.Generator) -> Args:
    """No beginning, and numbers of which the first is 0.0; the mark has probability 0 there."""
    table, beginning, temperature, u = to_roll(rng, beginning=False)
    u[0] = 0.0
    return table, beginning, temperature, u


def plain_list(rng: np.random.Generator) -> Args:
    """A title and names of letters."""
    return letters(rng).title(), [letters(rng) for _ in range(int(rng.integers(2, 6)))]


def with_signs(signs: str) -> Callable[[np.random.Generator], Args]:
    """A title and names with each of these signs in them."""

    def draw(rng: np.random.Generator) -> Args:
        def text() -> str:
            return letters(rng) + "".join(sign + letters(rng) for sign in signs)

        return text(), [letters(rng), text(), text()]

    return draw


def forced(rng: np.random.Generator) -> Args:
    """Weights and requests that have one answer only, whatever the random numbers are."""
    weights = cycle(rng)
    ring = list(rng.permutation(list(LETTERS)))
    asked = [("", 0.1, 3), (f" {ring[0].upper()}{ring[1]} ", 0.1, int(rng.integers(1000))), (ring[2], 0.1, 5.0)]
    return weights, asked


def free(rng: np.random.Generator) -> Args:
    """Weights, and requests of which the first two are the same."""
    beginning, seed = letters(rng, 1, 3), int(rng.integers(1, 1000))
    return {"table": some_table(rng).astype(np.float32)}, [
        (beginning, 1.0, seed),
        (beginning, 1.0, seed),
        (beginning, 1.0, seed + 1),
    ]


def bad(rng: np.random.Generator) -> Args:
    """Weights, and requests that cannot be answered; what was typed would be a tag."""
    tag = f"<b>{letters(rng)}</b>"
    image = f"<img src=x onerror={letters(rng)}>"
    return cycle(rng), [(tag, 1.0, 3), (image, 1.0, 3), (letters(rng), 1.0, None), (letters(rng) + "1", 1.0, 3)]


def bad_or_empty(rng: np.random.Generator) -> Args:
    """`bad`, and what arrives where a field was emptied or filled with a number that nothing can be done with."""
    weights, asked = bad(rng)
    return weights, [*asked, (letters(rng), None, 3), ("", 1.0, -2), (letters(rng), float("nan"), 3)]


def over_the_wire(rng: np.random.Generator) -> Args:
    """Requests with one answer only, and one that comes twice."""
    weights, asked = forced(rng)
    return weights, [*asked[:2], ("", 3.0, 4), ("", 3.0, 4)]


def a_title(rng: np.random.Generator) -> Args:
    """A title of letters, and a version."""
    return letters(rng).title() + " names", version(rng)


def version(rng: np.random.Generator) -> str:
    """Three numbers, of which a float would lose one."""
    return f"{rng.integers(5, 8)}.{rng.integers(1, 9)}0.{rng.integers(0, 9)}"


# --- answers that are judged rather than compared ---------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of an answer, the texts of its list, and everything that is text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.items: list[str] = []
        self.text = ""
        self._open = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the name of the tag; a list item begins."""
        self.tags.append(tag)
        if tag == "li":
            self._open = True
            self.items.append("")

    def handle_endtag(self, tag: str) -> None:
        """A list item ends."""
        if tag == "li":
            self._open = False

    def handle_data(self, data: str) -> None:
        """Text, inside a list item or outside."""
        self.text += data
        if self._open:
            self.items[-1] += data


def names_in(answer: str) -> list[str]:
    """The names of an answer.

    >>> names_in("<h3>Ten names</h3><ol><li>ann</li><li>bo</li></ol>")
    ['ann', 'bo']
    """
    return [item.strip() for item in Tags(answer).items]


def refused(answer: str) -> bool:
    """Whether an answer has no list but a text."""
    return not names_in(answer) and bool(Tags(answer).text.strip())


def as_asked(request: Request) -> str:
    """A request as it stands in a sentence."""
    return f"({request[0]!r}, {request[1]}, {request[2]})"


def good_answers(got: list[str], requests: list[Request]) -> str | None:
    """What is wrong with answers to good requests before the names are looked at."""
    if len(got) != len(requests):
        return f"{len(got)} answers to {len(requests)} requests"
    for answer, request in zip(got, requests, strict=True):
        if not isinstance(answer, str):
            return (
                f"the answer to {as_asked(request)} is no text but {type(answer).__name__}; return HTML as a string"
            )
        if refused(answer):
            return (
                f"{as_asked(request)} is good input and was answered with: {short(Tags(answer).text)}. Do beginning, "
                "temperature and seed come in this order?"
            )
        if len(names_in(answer)) != NAMES:
            number = len(names_in(answer))
            return f"the answer to {as_asked(request)} has {number} items <li>, expected {NAMES}: {short(answer)}"
    return None


def short(text: str) -> str:
    """The beginning of a text, in quotes and on one line."""
    return repr(text if len(text) <= 70 else text[:70] + "…")


def exact_names(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether requests that leave one name only got it."""
    requests = args[1]
    said = good_answers(got, requests)
    if said is not None:
        return said
    for answer, right, request in zip(got, expected, requests, strict=True):
        if names_in(answer) != names_in(right):
            wanted = names_in(right)[0]
            first = next(name for name in names_in(answer) if name != wanted)
            return (
                f"{as_asked(request)} gave {first!r}, and with these weights every name is {wanted!r} at such a "
                "temperature; are the weights, the beginning and the temperature passed on to roll_name?"
            )
    return True


def seeds(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether the same seed gave the same names, and another seed others."""
    requests = args[1]
    said = good_answers(got, requests)
    if said is not None:
        return said
    found = [names_in(answer) for answer in got]
    beginning = str(requests[0][0])
    if found[0] != found[1]:
        return (
            f"the same request {as_asked(requests[0])} gave {found[0][0]!r} first and {found[1][0]!r} then; make a "
            "new np.random.default_rng(seed) in every call"
        )
    if found[0] == found[2]:
        return f"the seeds {requests[0][2]} and {requests[2][2]} gave the same names; the seed is not used"
    if len(set(found[0])) == 1:
        return f"all names are {found[0][0]!r}; each name needs random numbers of its own"
    strange = next((name for name in found[0] if not name.startswith(beginning)), None)
    if strange is not None:
        return f"{strange!r} does not begin with {beginning!r}"
    return True


def sentences(got: Any, expected: Any, args: Args) -> bool | str:
    """Whether bad input was answered with a sentence, in which what was typed is text."""
    requests = args[1]
    if len(got) != len(requests):
        return f"{len(got)} answers to {len(requests)} requests"
    for answer, request in zip(got, requests, strict=True):
        if not isinstance(answer, str):
            return (
                f"the answer to {as_asked(request)} is no text but {type(answer).__name__}; return HTML as a string"
            )
        found = Tags(answer)
        strange = next((tag for tag in found.tags if tag not in OURS or f"<{tag}>" in str(request[0])), None)
        if strange is not None:
            return (
                f"what was typed became a tag <{strange}> of the page: {short(answer)}; put html.escape around "
                "every text that people typed, also around error sentences that quote it"
            )
        if names_in(answer):
            return f"{as_asked(request)} cannot be answered, and got names: {short(answer)}"
        if len(found.text.split()) < 3:
            return f"the answer to {as_asked(request)} is {short(answer)}; say in a sentence what is wrong"
        if re.search(r"Traceback|\bNoneType\b|object is not|Error\b", found.text):
            return (
                f"the answer to {as_asked(request)} is Python's own: {short(found.text)}; write a sentence for the "
                "people who use the app"
            )
    return True


ON_GOOD = "the function of the event takes the three values and calls respond with the weights and these"
ON_BAD = "respond has a sentence for it, so let it answer, and give no component a limit but the slider"


def of_app(judge: Callable[[Any, Any, Args], bool | str], advice: str) -> Callable[[Any, Any, Args], bool | str]:
    """Judge what an app answered, after what hindered it from answering at all.

    `advice` is what to do where it raised an exception.
    """

    def judged(got: Any, expected: Any, args: Args) -> bool | str:
        if got.get("problem"):
            return f"{got['problem']}; {advice}" if got.get("raised") else str(got["problem"])
        return judge(got.get("answers", []), expected["answers"], args)

    return judged


def names_of_app(got: Any, expected: Any, args: Args) -> bool | str:
    """Forced names, and the same names for the same request."""
    requests = args[1]
    said = good_answers(got, requests)
    if said is None and got[-1] != got[-2]:
        said = (
            f"{as_asked(requests[-1])} was asked twice and answered in two ways; the same seed gives the same names"
        )
    return said or exact_names(got[:2], expected[:2], (args[0], requests[:2]))


# --- what runs in the student's process -------------------------------------------------------------------------

ASK_RESPOND = """
def probe(lab, weights, requests):
    if not hasattr(lab, "respond"):
        raise NameError("there is no function respond in your file (was it renamed or removed?)")
    return [lab.respond(weights, *request) for request in requests]
"""

ASK_APP = """
def probe(lab, weights, requests):
    if not hasattr(lab, "build_demo"):
        raise NameError("there is no function build_demo in your file (was it renamed or removed?)")
    import inspect
    import os

    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # When gradio is imported it renders an interface file for each component, which is half of its two seconds.
    # It leaves that out where a class has no file.
    getfile = inspect.getfile

    def failed(said):
        return {"problem": said, "answers": []}

    def no_file(thing):
        if getattr(thing, "__module__", "").startswith("gradio."):
            raise OSError
        return getfile(thing)

    inspect.getfile = no_file
    try:
        import gradio
        from gradio_client import Client
    except ModuleNotFoundError as error:
        return failed(f"the app cannot be started here, because {error.name} is not installed (pip install gradio)")
    finally:
        inspect.getfile = getfile

    launch = gradio.Blocks.launch
    launched = []
    gradio.Blocks.launch = lambda self, *args, **settings: launched.append(1)
    try:
        demo = lab.build_demo(weights)
    finally:
        gradio.Blocks.launch = launch
    if demo is None:
        return failed("build_demo returns None; end it with: return demo")
    if not isinstance(demo, gradio.Blocks):
        return failed(f"build_demo returns {type(demo).__name__}; return the gr.Blocks that you made")
    if launched:
        return failed("build_demo launches the app; only return it, the last cell launches it")
    found = {one.api_name: one for one in demo.fns.values() if one.api_name}
    if "/names" in found:
        return failed("the event has api_name='/names'; the slash is put before it anyway, so write api_name='names'")
    if "names" not in found:
        others = ", ".join(map(repr, found)) or "none"
        return failed(f"no event has api_name='names' (there is: {others}); give it to the button's click")
    event = found["names"]
    if len(event.inputs) != 3:
        return failed(f"'names' has {len(event.inputs)} inputs; it takes three: beginning, temperature, seed")
    kinds = [type(one).__name__ for one in event.inputs]
    if kinds != ["Textbox", "Slider", "Number"] and sorted(kinds) == ["Number", "Slider", "Textbox"]:
        said = "the inputs come as " + ", ".join(kinds) + "; respond takes beginning, temperature, seed"
        return failed(said + ", so give Textbox, Slider, Number in this order")
    if event.api_visibility == "private":
        return failed("the event is private, so no program can ask it; leave api_visibility out")
    if len(event.outputs) != 1 or not isinstance(event.outputs[0], gradio.HTML):
        kinds = ", ".join(type(one).__name__ for one in event.outputs) or "nothing"
        return failed(f"the output of 'names' is {kinds}; respond returns HTML, so show it in one gr.HTML")
    _, url, _ = demo.launch(
        prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, share=False, ssr_mode=False, show_error=True
    )
    try:
        client = Client(url, verbose=False)
        answers = []
        for request in requests:
            try:
                answers.append(client.predict(*request, api_name="/names"))
            except Exception as error:
                asked = "(" + ", ".join(map(repr, request)) + ")"
                said = " ".join(str(error).split())[:120] or type(error).__name__
                return {**failed(f"the app raised an exception for {asked}: {said}"), "raised": True}
        return {"problem": "", "answers": answers}
    finally:
        demo.close(verbose=False)
"""


# --- the mistakes ----------------------------------------------------------------------------------------------


def with_letters(change: Callable[[str], str]) -> Callable[[Any, Any, Any], tuple[str, float, int]]:
    """A clean_input whose first value is changed; `change` is given what was typed."""

    def version(beginning: Any, temperature: Any, seed: Any) -> tuple[str, float, int]:
        _, warmth, number = clean_input(beginning, temperature, seed)
        return change(beginning or ""), warmth, number

    return version


def unless(part: int, change: Callable[[Any], Any]) -> Callable[[Any, Any, Any], tuple[str, float, int]]:
    """A clean_input in which one value is mended silently before it is looked at."""

    def version(*values: Any) -> tuple[str, float, int]:
        mended = list(values)
        mended[part] = change(mended[part])
        return clean_input(*mended)

    return version


def any_letters(beginning: Any, temperature: Any, seed: Any) -> tuple[str, float, int]:
    """What str.isalpha says of letters."""
    text = ("" if beginning is None else beginning).strip().lower()
    plain = "a" * len(text) if text.isalpha() else text
    _, warmth, number = clean_input(plain, temperature, seed)
    return text, warmth, number


def cut_letters(beginning: Any, temperature: Any, seed: Any) -> tuple[str, float, int]:
    """What is no letter is dropped."""
    text = "".join(letter for letter in (beginning or "").strip().lower() if letter in LETTERS)
    return clean_input(text, temperature, seed)


def roll_from(
    now: Callable[[str], int], stays: bool = False, chances: Callable[[np.ndarray, float], np.ndarray] = warm
) -> Callable[[np.ndarray, str, float, np.ndarray], str]:
    """A roll_name that begins in another row, stays there, or warms in another way."""

    def version(table: np.ndarray, beginning: str, temperature: float, u: np.ndarray) -> str:
        return beginning + rolled(table, now(beginning), u, lambda row: chances(row, temperature), stays)

    return version


def last(beginning: str) -> int:
    """The row of a beginning."""
    return number_of(beginning[-1:])


def not_one(row: np.ndarray, temperature: float) -> np.ndarray:
    """exp(row / T) without dividing by the sum."""
    return np.exp(np.asarray(row, dtype=float) / temperature)


def only_rolled(table: np.ndarray, beginning: str, temperature: float, u: np.ndarray) -> str:
    """Without the beginning."""
    return roll_name(table, beginning, temperature, u)[len(beginning) :]


def likeliest(table: np.ndarray, beginning: str, temperature: float, u: np.ndarray) -> str:
    """The largest probability, whatever the number is."""
    return roll_from(last, chances=lambda row, _: np.eye(SYMBOLS)[int(np.argmax(row))])(table, beginning, 1, u)


def escaped_by(escape: Callable[[str], str]) -> Callable[[str, list[str]], str]:
    """An as_html with another escape."""
    return lambda title, names: page(escape(title), [escape(name) for name in names])


def ampersand_last(text: str) -> str:
    """The signs in the wrong order, so the & of &lt; is escaped again."""
    for sign, name in (("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;"), ("&", "&amp;")):
        text = text.replace(sign, name)
    return text


def changed(
    change: Callable[[list[str]], list[str]], asked: Callable[[Request], Request] = lambda request: request
) -> Callable[[Weights, list[Request]], list[str]]:
    """Answers with other names, or to another request."""

    def version(weights: Weights, requests: list[Request]) -> list[str]:
        found = []
        for request in requests:
            answer = respond(weights, *asked(request))
            found.append(as_html("Ten names", change(names_in(answer))) if names_in(answer) else answer)
        return found

    return version


def unescaped(weights: Weights, requests: list[Request]) -> list[str]:
    """Error sentences that are put into the page as they are."""
    return [html.unescape(answer) for answer in answers(weights, requests)]


def as_app(version: Callable[[Weights, list[Request]], list[str]]) -> Callable[[Weights, list[Request]], Any]:
    """The same answers as an app gives them."""
    return lambda weights, requests: {"problem": "", "answers": version(weights, requests)}


def by_row(rows: Callable[[np.ndarray], np.ndarray]) -> Callable[[Weights, list[Request]], list[str]]:
    """Answers from other weights."""
    return lambda weights, requests: answers({"table": rows(weights["table"])}, requests)


EXERCISES = [
    Exercise(
        "clean_input",
        clean_input,
        (
            Item("tidies what was typed", 0.375, typed),
            Item("takes what is just allowed", 0.125, at_the_limits, times=6),
            Item("takes an empty beginning", 0.25, typed_nothing, times=6),
            Item("refuses letters beyond a to z", 0.25, with_beginning(foreign_letter)),
            Item("refuses what is no letter", 0.25, with_beginning(lambda rng: letters(rng) + "<b>" + letters(rng))),
            Item("refuses a long beginning", 0.25, with_beginning(lambda rng: letters(rng, 13, 20))),
            Item("refuses a temperature that is not from 0.1 to 3", 0.125, too_hot, times=6),
            Item(
                "refuses an empty temperature, or nan",
                0.125,
                lambda rng: (letters(rng), None if rng.random() < 0.5 else float("nan"), 3),
                times=6,
            ),
            Item("refuses an empty seed", 0.125, with_seed(lambda rng: None)),
            Item("refuses a seed that is not whole, or below 0", 0.125, with_seed(no_seed), times=6),
        ),
        (
            Wrong(
                "capitals are kept; the table knows small letters only, so lower() the beginning",
                with_letters(str.strip),
            ),
            Wrong(
                "the white space around the beginning is kept; people paste it without seeing it, so strip() it",
                with_letters(str.lower),
            ),
            Wrong(
                "isalpha was asked, and it says yes to é, ñ and प, which have no row; compare with a to z",
                any_letters,
            ),
            Wrong(
                "what is no letter was dropped silently, so people get names for something that they did not type; "
                "say it in a ValueError",
                cut_letters,
            ),
            Wrong(
                "a long beginning was cut silently; say it in a ValueError",
                unless(0, lambda text: text and text.strip()[:LONGEST]),
            ),
            Wrong(
                "the temperature was moved into its range silently; say it in a ValueError",
                unless(1, lambda x: x if x is None or np.isnan(x) else min(max(x, 0.1), 3)),
            ),
            Wrong(
                "an empty seed became 0 silently; an emptied field sends None; say in a ValueError what is missing",
                unless(2, lambda x: 0 if x is None else x),
            ),
            Wrong(
                "the seed was rounded silently; say in a ValueError that it has to be whole",
                unless(2, lambda x: x if x is None else int(x)),
            ),
        ),
    ),
    Exercise(
        "roll_name",
        roll_name,
        (
            Item("goes on from the beginning", 0.75, to_roll, times=6),
            Item(
                "begins at the mark where nothing was typed", 0.5, lambda rng: to_roll(rng, beginning=False), times=6
            ),
            Item("divides by the temperature", 0.5, lambda rng: to_roll(rng, None), times=6),
            Item("never rolls what has probability 0", 0.25, first_number_zero),
        ),
        (
            Wrong(
                "the beginning is missing in the name; add the letters that were rolled to it",
                only_rolled,
            ),
            Wrong(
                "the first roll is from the mark's row, as if nothing had been typed; begin in the row of the "
                "beginning's last letter",
                roll_from(lambda beginning: 0),
            ),
            Wrong(
                "the first roll is from the row of the beginning's first letter; what comes next depends on the last",
                roll_from(lambda beginning: number_of(beginning[:1])),
            ),
            Wrong(
                "every letter is rolled from the same row; the letter that came last says which row is next",
                roll_from(last, stays=True),
            ),
            Wrong("the likeliest letter is taken each time; the random number has to decide", likeliest),
            Wrong(
                "the temperature is not used; divide the row by it before you take exp",
                roll_from(last, chances=lambda row, temperature: warm(row, 1)),
            ),
            Wrong(
                "the row is multiplied by the temperature, so hot is tame and cold is wild; divide",
                roll_from(last, chances=lambda row, temperature: warm(row, 1 / temperature)),
            ),
            Wrong(
                "the rows do not sum to 1 any more after the temperature; divide exp(row / temperature) by its sum",
                roll_from(last, chances=not_one),
            ),
        ),
    ),
    Exercise(
        "as_html",
        as_html,
        (
            Item("makes a heading and a list", 0.375, plain_list),
            Item("makes an empty list of no names", 0.125, lambda rng: (letters(rng), [])),
            Item("shows < and & as they were typed", 0.5, with_signs("<>&")),
            Item("keeps quotes harmless", 0.25, with_signs("\"'")),
        ),
        (
            Wrong(
                "texts are put into the page as they are, so what people type becomes tags; html.escape each text",
                page,
            ),
            Wrong(
                "the names are put in as they are; html.escape them too, not only the title",
                lambda title, names: page(html.escape(title), names),
            ),
            Wrong(
                "the title is put in as it is; html.escape it too, not only the names",
                lambda title, names: page(title, [html.escape(name) for name in names]),
            ),
            Wrong(
                "the whole page was escaped, your own tags too, and people see them as text; escape what goes in, "
                "then put tags around it",
                lambda title, names: html.escape(page(title, names)),
            ),
            Wrong(
                "texts were escaped twice, so people see &lt; where they typed a sign; escape once",
                escaped_by(lambda text: html.escape(html.escape(text))),
            ),
            Wrong(
                "& was replaced after the others, so the & of &lt; was escaped again; replace & first, or use "
                "html.escape",
                escaped_by(ampersand_last),
            ),
            Wrong(
                "quotes are left as they are, and in an attribute they would end it; escape them as html.escape does",
                escaped_by(lambda text: html.escape(text, quote=False)),
            ),
            Wrong(
                "what looks like a tag was cut out; people may type such signs, so show them as text",
                escaped_by(lambda text: html.escape(re.sub(r"<.*?>", "", text))),
            ),
        ),
    ),
    Exercise(
        "respond",
        answers,
        (
            Item("rolls ten names from the weights", 0.5, forced, agrees=exact_names),
            Item("gives the same names for the same seed", 0.5, free, agrees=seeds),
            Item("answers bad input with a sentence", 0.5, bad_or_empty, agrees=sentences),
        ),
        (
            Wrong(
                "the sentence quotes what was typed without html.escape, so it becomes tags; escape the sentence",
                unescaped,
            ),
            Wrong(
                "the names are without their beginning; roll_name returns it too",
                changed(lambda names: names, lambda request: ("", *request[1:])),
            ),
            Wrong(
                "the temperature is always 1; pass on the one that was entered",
                changed(lambda names: names, lambda request: (request[0], 1.0, request[2])),
            ),
            Wrong(
                "there is one name too few; range(10) has ten numbers, 0 to 9",
                changed(lambda names: names[:-1]),
            ),
        ),
        probe=ASK_RESPOND,
    ),
    Exercise(
        "build_demo",
        app_answers,
        (
            Item(
                "answers over its interface /names", 1.0, over_the_wire, times=1, agrees=of_app(names_of_app, ON_GOOD)
            ),
            Item("answers bad input there with a sentence", 0.5, bad, times=1, agrees=of_app(sentences, ON_BAD)),
        ),
        (
            Wrong(
                "what was typed becomes tags of the page; the sentence about bad input needs html.escape",
                as_app(unescaped),
            ),
            Wrong(
                "the app does not use the weights that build_demo was given; pass them on to respond",
                as_app(by_row(lambda table: table[::-1, ::-1])),
            ),
        ),
        seconds=30.0,
        probe=ASK_APP,
    ),
    Exercise(
        "space_header",
        space_header,
        (
            Item("writes the head", 0.25, a_title),
            Item(
                "keeps a title with a colon, quotes and ñ in one piece",
                0.25,
                lambda rng: (f'{letters(rng)}: "ñ{letters(rng)}"', version(rng)),
            ),
            Item("refuses an empty title", 0.25, lambda rng: (" " * int(rng.integers(3)), version(rng))),
        ),
        (
            Wrong(
                "the title has no quotes around it, and a colon in it would begin something new; write it as "
                "json.dumps(title, ensure_ascii=False)",
                lambda title, version: space_header(title, version) and header(title, version),
            ),
            Wrong(
                "the closing --- is missing, so the whole README would be read as settings",
                lambda title, version: space_header(title, version)[: -len("---\n")],
            ),
            Wrong(
                "the opening --- is missing, so nothing is read as settings",
                lambda title, version: space_header(title, version)[len("---\n") :],
            ),
            Wrong(
                "the app's file is called app.py there; yours is lab.py",
                lambda title, version: space_header(title, version).replace("lab.py", "app.py"),
            ),
            Wrong(
                "the line sdk: gradio is missing; without it the Space does not know what to start",
                lambda title, version: space_header(title, version).replace("sdk: gradio\n", ""),
            ),
        ),
    ),
]


# --- the numbers of the README and of the boxes -----------------------------------------------------------------


@cache
def bigram() -> np.ndarray:
    """(27, 27) logarithms of the bigram of the training names, k = 0.1."""
    counts = np.full((SYMBOLS, SYMBOLS), 0.1)
    for name in load_corpus("names").part("train"):
        ids = [0, *(number_of(letter) for letter in name), 0]
        np.add.at(counts, (ids[:-1], ids[1:]), 1)
    return np.log(counts / counts.sum(axis=1, keepdims=True))


@cache
def held_out_loss() -> float:
    """The bigram's loss on the validation names, in nats per character."""
    lost = []
    for name in load_corpus("names").part("validation"):
        ids = [0, *(number_of(letter) for letter in name), 0]
        lost.append(-bigram()[ids[:-1], ids[1:]])
    return float(np.concatenate(lost).mean())


def after_q(temperature: float) -> float:
    """How probable u is after q."""
    return float(warm(bigram()[number_of("q")], temperature)[number_of("u")])


def shown(beginning: str, temperature: float, seed: int, number: int = 4) -> str:
    """The first names of an answer."""
    return ", ".join(names_in(respond({"table": bigram()}, beginning, temperature, seed))[:number])


ANSWERS: dict[str, Callable[[], float]] = {
    "u_after_q_cold": lambda: 100 * after_q(0.5),
    "bytes_of_table": lambda: float(SYMBOLS * SYMBOLS * 4),
}

NUMBERS: dict[str, Callable[[], str]] = {
    "cold": lambda: shown("pri", 0.5, 2),
    "warm": lambda: shown("pri", 1.0, 2),
    "hot": lambda: shown("pri", 3.0, 2),
    "u_warm": lambda: f"{100 * after_q(1):.0f}",
    "u_hot": lambda: f"{100 * after_q(3):.0f}",
    "numbers": lambda: str(SYMBOLS * SYMBOLS),
    "loss": lambda: f"{held_out_loss():.3f}",
    "typed": lambda: html.escape(html.escape("<b>an</b>")),
}


def picture() -> str:
    """The picture of the README as SVG: what is typed goes through five functions and comes back as HTML."""
    steps = (
        ("Textbox, Slider, Number", "the page", "#666666"),
        ("clean_input", "values, or a sentence", "#0072b2"),
        ("roll_name × 10", "names", "#0072b2"),
        ("as_html", "text stays text", "#0072b2"),
        ("HTML", "the page", "#666666"),
    )
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 330" font-family="system-ui, sans-serif" '
        'font-size="15" role="img" aria-label="What is typed goes through clean_input, roll_name and as_html, '
        'and comes back to the page">',
        '<rect width="560" height="330" fill="#ffffff"/>',
        '<rect x="20" y="20" width="520" height="290" rx="12" fill="none" stroke="#999999" stroke-dasharray="6 4"/>',
        '<text x="36" y="44" fill="#333333">build_demo: gr.Blocks</text>',
        '<rect x="44" y="106" width="472" height="136" rx="10" fill="none" stroke="#0072b2"/>',
        '<text x="500" y="128" text-anchor="end" fill="#0072b2">respond, at /names</text>',
    ]
    places = ((40, 56, 230), (60, 142, 130), (214, 142, 140), (378, 142, 122), (310, 256, 190))
    for (said, below, colour), (x, y, wide) in zip(steps, places, strict=True):
        high = 40 if y in (56, 256) else 62
        parts.append(
            f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" rx="6" fill="#ffffff" stroke="{colour}" '
            'stroke-width="2"/>'
        )
        middle = x + wide / 2
        parts.append(f'<text x="{middle}" y="{y + 25}" text-anchor="middle" fill="{colour}">{said}</text>')
        if high > 40:
            parts.append(
                f'<text x="{middle}" y="{y + 47}" text-anchor="middle" font-size="12" fill="#333333">{below}</text>'
            )
    for x1, y1, x2, y2 in ((125, 96, 125, 138), (190, 173, 210, 173), (354, 173, 374, 173), (439, 204, 439, 252)):
        parts.append(arrow(x1, y1, x2, y2, "#333333"))
    parts.append(
        '<path d="M 125 204 L 125 276 L 300 276" fill="none" stroke="#d55e00" stroke-width="2"/>'
        '<polygon points="306,276 297,271 297,281" fill="#d55e00"/>'
        '<text x="135" y="268" font-size="12" fill="#b34700">a sentence, escaped</text>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def arrow(x1: int, y1: int, x2: int, y2: int, colour: str) -> str:
    """A straight arrow, to the right or down."""
    tip = (
        f"{x2},{y2} {x2 - 9},{y2 - 5} {x2 - 9},{y2 + 5}"
        if y1 == y2
        else f"{x2},{y2} {x2 - 5},{y2 - 9} {x2 + 5},{y2 - 9}"
    )
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="2"/>'
        f'<polygon points="{tip}" fill="{colour}"/>'
    )

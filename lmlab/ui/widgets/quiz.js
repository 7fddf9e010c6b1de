// Real or generated? The page knows the answers of the names that were judged already, and of no other.
// value, as JSON text = {seq, token, number, of, name | null, verdict, done: [{name, real, said, nats}], again,
//   score: {right, guess|null}|null}
const box = element.querySelector(".quiz");
const part = (name) => box.querySelector(`.${name}`);
let state = null;

function answer(said) {
  if (!state || state.name === null || box.dataset.state === "waiting") return;
  box.dataset.state = "waiting";
  trigger("answer", { token: state.token, number: state.number, said });
}

function buttons() {
  if (state.name !== null) {
    return ["real", "generated"].map((said) => make("button", { type: "button", class: "choice", "data-said": said, on: { click: () => answer(said) } }, t(said)));
  }
  if (!state.again) return [];
  return [make("button", { type: "button", class: "choice", "data-said": "again", on: { click: () => trigger("again", {}) } }, state.again)];
}

function rows() {
  const head = make("tr", {}, ...["name", "truth", "you", "surprise"].map((name) => make("th", {}, t(name))));
  return [head, ...state.done.map((one) => make(
    "tr", {},
    make("td", { class: "mono" }, one.name),
    make("td", {}, t(one.real ? "yes_real" : "yes_generated")),
    make("td", {}, `${t(`said_${one.said}`)}: ${t((one.said === "real") === one.real ? "right" : "wrong")}`),
    make("td", { class: "num" }, one.nats.toFixed(1)),
  )).reverse()];
}

// The score with the guess kept on it: a filled dot for what came, a triangle for what was said, grey for a coin.
function score() {
  if (!state.score) return [];
  const { right, guess } = state.score, width = 340, most = state.of, y = 40;
  const x = (n) => 16 + ((width - 32) * n) / most;
  const said = t(guess === null ? "score_skipped" : "score", { right, of: most, guess, coin: most / 2 });
  const picture = svg("svg", { viewBox: `0 0 ${width} 78`, role: "img", "aria-label": said });
  picture.append(line(x(0), y, x(most), y, "axis"));
  for (let n = 0; n <= most; n++) picture.append(line(x(n), y - 3, x(n), y + 3, "axis"), label(x(n), y + 20, n, "ax", "middle"));
  picture.append(line(x(most / 2), y - 12, x(most / 2), y + 6, "coin"), label(x(0), 74, t("score_axis"), "ax"));
  picture.append(svg("circle", { cx: x(right), cy: y, r: 5.5, class: "right" }));
  if (guess !== null) {
    const at = x(guess), left = guess > most / 2;
    picture.append(svg("path", { class: "you", d: `M${at} ${y - 8}l-6 -11h12z` }), label(at + (left ? -10 : 10), y - 12, t("your_guess"), "you", left ? "end" : "start"));
  }
  return [picture, make("p", { class: "look" }, said)];
}

function show() {
  state = unpack();
  box.hidden = !state;
  if (!state) return;
  const held = box.contains(document.activeElement);
  part("progress").textContent = state.name === null ? "" : t("progress", { n: state.number, of: state.of });
  part("shown").textContent = state.name === null ? "" : state.name;
  part("verdict").textContent = state.verdict;
  part("buttons").replaceChildren(...buttons());
  part("score").replaceChildren(...score());
  box.querySelector(".table").replaceChildren(...(state.done.length ? rows() : []));
  box.dataset.seq = state.seq;
  box.dataset.state = state.name === null ? "over" : "asking";
  // the button that was pressed is gone; the keys go on working, and a screen reader hears the verdict
  if (held || (state.name !== null && !state.done.length)) part(state.name === null ? "verdict" : "shown").focus({ preventScroll: held });
}

box.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const said = { r: "real", g: "generated" }[event.key.toLowerCase()];
  if (!said) return;
  event.preventDefault();
  event.stopPropagation();
  answer(said);
});
watch("value", show);
show();

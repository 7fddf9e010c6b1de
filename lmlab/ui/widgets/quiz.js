// Real or generated? The page knows the answers of the names that were judged already, and of no other.
// value, as JSON text = {seq, token, number, of, name | null, verdict, done: [{name, real, said, nats}], again}
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

function show() {
  state = unpack();
  box.hidden = !state;
  if (!state) return;
  const held = box.contains(document.activeElement);
  part("progress").textContent = state.name === null ? "" : t("progress", { n: state.number, of: state.of });
  part("shown").textContent = state.name === null ? "" : state.name;
  part("verdict").textContent = state.verdict;
  part("buttons").replaceChildren(...buttons());
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

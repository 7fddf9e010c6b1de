// One loss in every unit, and the sum behind it. Mirrors lmlab/evaluation/units.py (a browser test holds both equal).
// value, as JSON text = {seq, name, model, pieces, nats, typical: [[title, nats, veils]], at?, guess?: nats}
// `veils` are the words of open questions that a loss answers: while one is asked (see veil.js), it is left out.
const box = element.querySelector(".converter");
const part = (name) => box.querySelector(`.${name}`);
const DIGITS = { nats: 3, bits: 3, perplexity: 2, total: 2 };
const MOST = Math.log(256); // the line ends at random bytes
const SVG = "http://www.w3.org/2000/svg";
let value = null;
let nats = 0; // per character: what every field shows in its own unit

const predictions = () => value.nats.length;
const to = {
  nats: (x) => x,
  bits: (x) => x / Math.LN2,
  perplexity: (x) => Math.exp(x),
  total: (x) => x * predictions(),
};
const from = {
  nats: (v) => v,
  bits: (v) => v * Math.LN2,
  perplexity: (v) => Math.log(v),
  total: (v) => v / predictions(),
};
const fields = {};
const slider = make("input", { type: "range", min: 0, max: MOST, step: 0.001, "aria-label": t("slider"), on: { input: () => set(Number(slider.value), slider) } });

function set(x, source) {
  nats = x;
  for (const unit in fields) {
    const field = fields[unit];
    field.dataset.exact = to[unit](nats);
    if (field !== source) field.value = to[unit](nats).toFixed(DIGITS[unit]);
    field.removeAttribute("aria-invalid");
  }
  if (slider !== source) slider.value = nats;
  const words = Object.fromEntries(Object.keys(to).map((unit) => [unit, to[unit](nats).toFixed(DIGITS[unit])]));
  slider.setAttribute("aria-valuetext", t("said", { ...words, predictions: predictions() }));
  part("said").textContent = t("said", { ...words, predictions: predictions() });
}

function typed(unit, field) {
  const number = field.value.trim() === "" ? NaN : Number(field.value);
  if (!Number.isFinite(number) || number < (unit === "perplexity" ? 1 : 0)) {
    field.setAttribute("aria-invalid", "true");
    part("said").textContent = t("low");
    return;
  }
  set(from[unit](number), field);
}

function drawFields() {
  for (const unit in to) {
    const field = make("input", { type: "number", step: "any", min: unit === "perplexity" ? 1 : 0, "data-unit": unit, on: { input: () => typed(unit, field) } });
    field.addEventListener("blur", () => set(nats, null)); // what was no loss gives way to the last one that was
    fields[unit] = field;
    part("fields").append(make("label", {}, make("span", {}, t(unit)), field));
  }
}

// Three scales on one line: nats, bits and perplexity.
function drawLine() {
  const width = Math.max(240, part("line").clientWidth || 600);
  const svg = document.createElementNS(SVG, "svg");
  const guessed = Number.isFinite(value.guess), height = guessed ? 92 : 72;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.setAttribute("aria-hidden", "true");
  const add = (tag, attributes, text) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, one] of Object.entries(attributes)) node.setAttribute(name, one);
    if (text !== undefined) node.textContent = text;
    svg.append(node);
  };
  const place = (x) => 8 + ((width - 16) * x) / MOST; // half of the slider's thumb at either end
  const wide = width > 520;
  const scales = [
    ["nats", [0, 1, 2, 3, 4, 5], (v) => v],
    ["bits", [0, 2, 4, 6, 8], (v) => v * Math.LN2],
    ["perplexity", wide ? [1, 2, 5, 10, 27, 64, 256] : [1, 4, 27, 256], (v) => Math.log(v)],
  ];
  scales.forEach(([unit, ticks, back], row) => {
    const y = 16 + 24 * row;
    ticks.forEach((tick, i) => {
      const x = place(back(tick));
      add("line", { x1: x, x2: x, y1: y - 14, y2: y - 9, class: "tick" });
      const word = i === ticks.length - 1 && back(tick) < MOST * 0.95 ? `${tick} ${t(`short_${unit}`)}` : i === ticks.length - 1 ? `${t(`short_${unit}`)} ${tick}` : String(tick);
      add("text", { x, y: y + 3, "text-anchor": i === 0 ? "start" : back(tick) > MOST * 0.95 ? "end" : "middle", class: "tick" }, word);
    });
  });
  if (guessed) { // what the student said stays, through all three scales
    const x = place(Math.min(value.guess, MOST)), left = x > width / 2;
    add("line", { x1: x, x2: x, y1: 0, y2: 88, class: "you" });
    add("text", { x: x + (left ? -6 : 6), y: 88, "text-anchor": left ? "end" : "start", class: "you" },
      t("guess", { perplexity: Number(to.perplexity(value.guess).toFixed(1)) }));
  }
  part("line").replaceChildren(slider, svg);
}

function drawTypical() {
  const open = value.typical.filter(([, , veils]) => !asksAbout(veils));
  const marks = open.map(([title, at]) => make("button", { type: "button", on: { click: () => set(at, null) } }, t("mark", { perplexity: Number(to.perplexity(at).toFixed(1)), title })));
  part("typical").replaceChildren(make("span", {}, t("typical")), ...marks);
}

function drawSums() {
  if (!value.name) return part("sums").replaceChildren();
  const letters = value.pieces.length;
  const total = value.nats.reduce((sum, one) => sum + one, 0);
  const row = (term, said, cls = "") => make("tr", { class: cls }, make("td", { class: "num" }, term), make("td", {}, said));
  const numbers = (divisor) => ({ nats: (total / divisor).toFixed(3), perplexity: Math.exp(total / divisor).toFixed(2) });
  const terms = value.nats.map((one, i) => make("span", { class: "addend" }, make("b", {}, i < letters ? value.pieces[i] : t("end")), one.toFixed(2)));
  const lines = [row(t("divide", { total: total.toFixed(2), predictions: predictions() }), t("is", numbers(predictions())), "now")];
  const wrong = { forgot_end: predictions() - 1, forgot_both: predictions() - 2 };
  for (const [why, divisor] of Object.entries(wrong)) {
    if (divisor > 0) lines.push(row(t("divide", { total: total.toFixed(2), predictions: divisor }), `${t("too_high", numbers(divisor))} (${t(why)})`, "wrong"));
  }
  part("sums").replaceChildren(
    make("h3", {}, t("sum_title", { name: value.name, model: value.model })),
    make("p", { class: "look" }, t("sum_look", { letters, predictions: predictions() })),
    make("p", { class: "addends" }, ...terms, make("span", { class: "addend total" }, make("b", {}, t("sum")), total.toFixed(2))),
    make("table", { class: "table" }, ...lines),
  );
}

function receive() {
  value = unpack();
  box.hidden = !value;
  if (!value) return;
  part("title").textContent = t("title");
  part("look").textContent = t("look");
  if (!fields.nats) drawFields();
  drawLine();
  drawTypical();
  drawSums();
  const total = value.nats.reduce((sum, one) => sum + one, 0);
  set(value.at ?? total / predictions(), null);
  box.dataset.seq = value.seq;
  box.dataset.state = "drawn";
}

// A question was asked or answered: what was typed stays.
function show() {
  if (value) drawTypical();
}

watch("value", receive);
new ResizeObserver(() => { if (value) drawLine(); }).observe(box);
receive();

// The loss ruler: one axis, baselines below the line, models and the student above it, better to the right.
// value, as JSON text = {seq, corpus, baselines: [{name, title, short, loss}], others: [{id, title, what, corpus}],
//   models: [{id, title, what, loss (null: infinite), now, live}], you: {loss, spread, letters, names, few} or null};
// a mark's `veils` are the words of open questions that it answers: while one is asked (see veil.js), it is left out;
// losses are in nats. The places are the same in every unit (those of nats): only the numbers change.
const root = element.querySelector(".marks");
const section = element.querySelector(".ruler");
const tip = element.querySelector(".tip");
const panel = element.querySelector(".panel");
const select = element.querySelector("select");
const says = element.querySelector(".sr");
const NARROW = 640; // px; below, the strip keeps three baselines
const strip = matchMedia("(max-width: 760px)"); // the page is one column, and the unit stands above the axis
const HALF = 12; // px; half the width of a mark that can be tapped
const GAP = 10; // px between two labels
const ELSEWHERE = 104; // px; room at the left for models of other corpora, with two words under them
const STORED = "lmlab-unit";

const UNITS = {
  nats: { of: (nats) => nats, digits: () => 2 },
  bits: { of: (nats) => nats / Math.LN2, digits: () => 2 },
  perplexity: { of: Math.exp, digits: (value) => (value < 100 ? 1 : 0) },
  choices: { of: Math.exp, digits: (value) => (value < 100 ? 1 : 0) },
};

function remembered() {
  try {
    const name = localStorage.getItem(STORED);
    return Object.hasOwn(UNITS, name) ? name : "nats";
  } catch { return "nats"; } // a browser that keeps nothing
}
let unit = remembered();

// A loss as a number of a unit.
function number(nats, name = unit) {
  if (!Number.isFinite(nats)) return "∞";
  const value = UNITS[name].of(nats);
  return value.toFixed(UNITS[name].digits(value));
}
const told = (nats) => (Number.isFinite(nats) ? t(`loss_${unit}`, { n: number(nats) }) : t("infinite"));

// --- what is on the ruler ----------------------------------------------------------------------------------

// All marks as {key, kind, row, title, what, loss, said}, in the order in which their labels get their places.
function marksOf(value, narrow) {
  const marks = [];
  if (value.you) {
    const { loss, spread, letters, names, few } = value.you;
    const values = { loss: told(loss), letters, n: names, low: number(loss - (spread ?? 0)), high: number(loss + (spread ?? 0)) };
    // From a few letters luck may put anybody before every model: the mark is open, dashed and says so.
    const count = letters === 1 ? "one" : "other";
    const said = few ? t(`says_you_few.${count}`, { loss: told(loss), n: letters })
      : t(`says_you${spread ? "_spread" : ""}.${names === 1 ? "one" : "other"}`, values);
    marks.push({
      key: "you", kind: few ? "you few" : "you", row: "above", title: few ? t(`you_few.${count}`, { n: letters }) : t("you"),
      what: t(few ? "kind_you_few" : "kind_you"), loss, said,
    });
  }
  const first = [...value.models].sort((a, b) => b.now - a.now || b.live - a.live || (a.loss ?? 99) - (b.loss ?? 99));
  for (const model of first) {
    const loss = model.loss ?? Infinity;
    const kind = model.now ? "now" : "model";
    const sentence = model.live ? "says_live" : model.now ? "says_now" : "says_model";
    const what = model.live ? t("kind_live", { kind: model.what }) : model.what;
    marks.push({
      key: model.id, kind: model.live ? `${kind} live` : kind, row: "above", title: model.title, what, loss,
      said: t(sentence, { name: model.title, kind: model.what, loss: told(loss) }), veils: model.veils,
    });
  }
  const ends = value.baselines.length - 1;
  value.baselines.forEach(({ name, title, short, loss }, i) => {
    const sentence = `says_${name}` in strings ? `says_${name}` : "says_base";
    const bare = narrow && i !== 0 && i !== ends && name !== "bigram"; // a phone's strip has room for three labels
    marks.push({
      key: `base-${name}`, kind: "base", row: "below", title: narrow ? short : title, full: title, bare,
      what: t("kind_base"), loss, said: t(sentence, { name: title, loss: told(loss) }), veils: [name],
    });
  });
  return marks;
}

// --- drawing -----------------------------------------------------------------------------------------------

const nodes = new Map(); // by key: a mark that moves stays the same element, and keeps the focus

function nodeOf(key) {
  if (nodes.has(key)) return nodes.get(key);
  const shape = key === "you" ? triangle() : make("i");
  const node = make("button", { type: "button" }, shape, make("span", { class: "label" }));
  node.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") { hovered = key; showTip(); } });
  node.addEventListener("pointerleave", () => { hovered = null; showTip(); });
  node.addEventListener("focus", () => { if (node.matches(":focus-visible")) { locked = key; showTip(); } });
  node.addEventListener("blur", () => { if (locked === key && !tip.contains(document.activeElement)) setTimeout(leave, 0, key); });
  node.addEventListener("click", () => { locked = locked === key && hovered === null && !fresh ? null : key; fresh = false; showTip(); });
  node.addEventListener("pointerdown", () => { fresh = locked !== key; });
  nodes.set(key, node);
  root.append(node);
  return node;
}

function triangle() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "-8 -12 16 13");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M0 -1l-6 -10h12z");
  svg.append(path);
  return svg;
}

function show() {
  const value = unpack();
  if (!value || !value.baselines.length) return;
  const width = root.clientWidth;
  if (!width) return;
  const narrow = width < NARROW;
  const others = value.others.slice(0, narrow ? 2 : 6);
  const gutter = others.length ? Math.max(narrow ? 0 : ELSEWHERE, 14 * others.length + 12) : 0;
  const all = marksOf(value, narrow), marks = all.filter((mark) => !asksAbout(mark.veils));
  const place = placer(marks, value, gutter, width);
  const kept = new Set();
  root.style.setProperty("--gutter", `${gutter}px`);
  for (const mark of marks) {
    mark.x = place(mark.loss);
    const beyond = mark.loss > place.left;
    if (beyond && Number.isFinite(mark.loss)) mark.said += ` ${t("off_left")}`;
    draw(mark, `${beyond && Number.isFinite(mark.loss) ? "← " : ""}${number(mark.loss)} ${mark.title}`);
    kept.add(mark.key);
  }
  others.forEach(({ id, title, what, corpus }, i) => {
    const mark = { key: id, kind: "other", x: 10 + 14 * i, said: t("says_other", { name: title, kind: what, corpus }) };
    draw(mark, i === 0 && !narrow ? t("elsewhere") : "");
    kept.add(id);
  });
  for (const [key, node] of nodes) {
    if (kept.has(key)) continue;
    node.remove();
    nodes.delete(key);
    if (locked === key) locked = null;
    if (hovered === key) hovered = null;
  }
  drawInterval(value.you, place);
  for (const row of ["below", "above"]) spread(marks.filter((mark) => mark.row === row), width, row === "above" && strip.matches);
  section.setAttribute("aria-label", t("label", { corpus: value.corpus }));
  section.dataset.seq = value.seq;
  section.dataset.unit = unit;
  const veiled = all.length - marks.length;
  section.dataset.veiled = veiled;
  element.querySelector(".better").textContent = t(veiled ? "veiled" : "better");
  fillPanel(value, all);
  showTip();
}

// Where a loss stands, in px. The axis holds every mark, but a student or a model far worse than knowing nothing
// stands at its left end.
function placer(marks, value, gutter, width) {
  const losses = marks.map((mark) => mark.loss).filter(Number.isFinite);
  if (value.you) losses.push(value.you.loss - (value.you.spread ?? 0));
  const worst = Math.max(...value.baselines.map((base) => base.loss)) * 1.15;
  const left = Math.min(Math.max(...losses), worst) + 0.1;
  const right = Math.min(...losses) - 0.1;
  const place = (loss) => gutter + (width - gutter) * Math.min(1, Math.max(0, (left - loss) / (left - right)));
  place.left = left;
  return place;
}

function draw(mark, text) {
  const node = mark.node = nodeOf(mark.key);
  node.className = `rmark ${mark.kind}`;
  node.style.left = `${mark.x - HALF}px`;
  node.setAttribute("aria-label", mark.said);
  node.dataset.loss = Number.isFinite(mark.loss) ? mark.loss : "";
  node.querySelector(".label").textContent = text;
}

// The student's interval: a thin black bar on the line.
let bar = null;
function drawInterval(you, place) {
  bar?.remove();
  bar = null;
  if (!you?.spread) return;
  const [from, to] = [place(you.loss + you.spread), place(you.loss - you.spread)];
  bar = make("i", { class: "interval" });
  bar.style.left = `${from}px`;
  bar.style.width = `${Math.max(1, to - from)}px`;
  root.prepend(bar);
}

// Labels stand over their marks, or beside them where that keeps two from touching; one that finds no place is left
// out, and its mark stays. On a phone the unit's name stands at the left of the upper row.
function spread(row, width, unitStands) {
  const taken = unitStands ? [[0, select.offsetWidth]] : [];
  for (const { node, x, bare } of row) {
    const label = node.querySelector(".label");
    label.hidden = Boolean(bare);
    if (bare) continue;
    const size = label.offsetWidth;
    const begins = [x - size / 2, x - 8, x + 8 - size].map((begin) => Math.min(Math.max(begin, 0), width - size));
    if (unitStands && x < taken[0][1]) begins.push(taken[0][1] + GAP + 1);
    const begin = begins.find((at) => taken.every(([a, b]) => at + size + GAP < a || at > b + GAP));
    label.hidden = begin === undefined;
    if (begin === undefined) continue;
    label.style.left = `${begin - (x - HALF)}px`;
    taken.push([begin, begin + size]);
  }
}

// --- one sentence about a mark -----------------------------------------------------------------------------

let hovered = null, locked = null, fresh = false;

function leave(key) {
  if (locked === key && !nodes.get(key)?.contains(document.activeElement) && !tip.contains(document.activeElement)) {
    locked = null;
    showTip();
  }
}

function showTip() {
  const node = nodes.get(hovered ?? locked);
  tip.hidden = !node;
  if (!node) return;
  tip.querySelector("p").textContent = node.getAttribute("aria-label");
  const line = root.getBoundingClientRect();
  const frame = element.querySelector(".wrap");
  const margin = parseFloat(getComputedStyle(frame).paddingLeft);
  const at = line.left + parseFloat(node.style.left) + HALF - frame.getBoundingClientRect().left;
  const width = tip.offsetWidth;
  tip.style.left = `${Math.max(margin, Math.min(at - width / 2, frame.clientWidth - width - margin))}px`;
}

element.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && (hovered || locked)) { hovered = locked = null; showTip(); }
});
document.addEventListener("pointerdown", (event) => {
  if (locked && !element.contains(event.target)) { locked = null; showTip(); }
});

// --- the unit, and the table -------------------------------------------------------------------------------

for (const name of Object.keys(UNITS)) select.append(make("option", { value: name }, t(`unit_${name}`)));
select.value = unit;
select.setAttribute("aria-label", t("unit"));
select.addEventListener("change", () => {
  unit = select.value;
  try { localStorage.setItem(STORED, unit); } catch { /* it holds for this page only */ }
  show();
  says.textContent = t("switched", { unit: t(`unit_${unit}`) });
});

element.querySelector(".what b").textContent = t("title");
for (const button of element.querySelectorAll(".open")) {
  button.textContent = t("table");
  button.setAttribute("aria-haspopup", "dialog");
  button.addEventListener("click", () => { panel.showPopover(); panel.querySelector("button").focus(); });
}
panel.setAttribute("role", "dialog");

function fillPanel(value, marks) {
  const held = panel.contains(document.activeElement);
  const title = t("table_title", { corpus: value.corpus });
  panel.setAttribute("aria-label", title);
  const head = ["mark", "what", "nats", "bits", "perplexity"].map((name) => make("th", { scope: "col" }, t(name)));
  // Rows go by loss: what is asked about stands at the end by name, so that its place tells nothing, either.
  const open = (mark) => asksAbout(mark.veils);
  const byLoss = marks.filter((mark) => !open(mark)).sort((a, b) => b.loss - a.loss);
  const byName = marks.filter(open).sort((a, b) => a.title.localeCompare(b.title));
  const rows = [...byLoss, ...byName].map((mark) =>
    make("tr", { class: mark.kind }, make("th", { scope: "row" }, mark.full ?? mark.title), make("td", {}, mark.what),
      ...["nats", "bits", "perplexity"].map((name) => make("td", { class: "num" }, open(mark) ? "?" : number(mark.loss, name)))));
  for (const { title, what, corpus } of value.others)
    rows.push(make("tr", { class: "other" }, make("th", { scope: "row" }, title), make("td", {}, what),
      make("td", { colspan: 3 }, t("not_comparable", { corpus }))));
  const close = make("button", { type: "button", class: "close", on: { click: () => panel.hidePopover() } }, t("close"));
  panel.replaceChildren(make("header", {}, make("h2", {}, title), close),
    make("table", { class: "table" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
  if (held) close.focus();
}

watch("value", show);
new ResizeObserver(show).observe(root);
show();

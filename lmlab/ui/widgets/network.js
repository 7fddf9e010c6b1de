// A window that slides over a name, and the network for it: letters -> embedding -> hidden units -> next letter.
// value, as JSON text = {seq, picture, said, whole, at, live, followed, favourites}; see network.py.
// Every number comes from Python; here they become colours, widths and places.
const MOST_PLACES = 8;
const MOST_NUMBERS = 32;
const MOST_UNITS = 512;
const MOST_BARS = 40;
const REST = 400; // ms between two looks at a network that is learning
const LOST = 10_000; // ms after which an answer is not waited for any more
const SLOW = 900; // ms that a window rests while it slides

const box = element.querySelector(".network");
const part = (name) => box.querySelector(`[data-part="${name}"]`);
const [tape, cells, frame, aim, pairs, net, svg, blocks, grid, stages, bars, ranges, say, favourites] = [
  ".tape", ".cells", ".frame", ".aim", ".pairs", ".net", ".links", ".blocks", ".grid", ".stages", ".bars ol", ".ranges",
  ".say", ".favourites",
].map((selector) => box.querySelector(selector));
const heads = [...box.querySelectorAll(".part h4")];
const [details, table] = [box.querySelector("details"), box.querySelector("table")];
const buttons = Object.fromEntries([...box.querySelectorAll("[data-go]")].map((node) => [node.dataset.go, node]));

let value = null;
let picture = null;
let locked = null; // the unit that stays looked at
let hovered = null;
let sliding = null;
let visible = false;
let timer = null;
let askedAt = 0;
let took = 0; // ms from the last question to its drawing
let letters = []; // the bars: which token each is
let tiles = new Map(); // number of the input -> its cell
let units = [];
let rows = new Map(); // token -> its bar

const written = (number, digits = 3) => number.toFixed(digits).replace("-", "−");
const symbol = (id) => picture.symbols[id];
const text = (ids) => ids.map(symbol).join("");

// A cell whose colour is a number: blue above zero, orange below, paper at zero.
function paint(cell, number, range) {
  const share = range > 0 ? Math.min(1, Math.abs(number) / range) : 0;
  cell.style.setProperty("--share", `${Math.round(100 * share)}%`);
  cell.dataset.sign = number < 0 ? "-" : "+";
}

// --- windows ---------------------------------------------------------------------------------------------------

function drawWindows() {
  const { windows, position } = picture;
  let held = false; // whether the keyboard stood on a window that is being replaced
  const begin = windows[0].context;
  const marks = [...begin, ...windows.map((one) => one.target)];
  if (cells.dataset.text !== text(marks)) {
    cells.dataset.text = text(marks);
    held = pairs.contains(document.activeElement);
    cells.replaceChildren(...marks.map((id) => make("span", {}, symbol(id))));
    pairs.replaceChildren(...windows.map((one, i) => {
      const button = make("button", { type: "button", on: { click: () => go(i, true) } },
        make("span", { class: "mono" }, `${text(one.context)} → `, make("b", {}, symbol(one.target))),
        make("span", { class: "share" }));
      return make("li", {}, button);
    }));
  }
  [...pairs.children].forEach((item, i) => {
    const [button, one] = [item.firstChild, windows[i]];
    const share = (100 * one.p).toFixed(1);
    button.lastChild.textContent = `${share} %`;
    button.setAttribute("aria-label", t("pair", { context: text(one.context), target: symbol(one.target), share }));
    button.setAttribute("aria-current", i === position ? "true" : "false");
    button.tabIndex = i === position ? 0 : -1;
  });
  if (held) pairs.children[position].firstChild.focus({ preventScroll: true });
  const width = 100 / marks.length;
  const end = begin.length + position;
  const length = windows[position].context.length;
  tape.style.setProperty("--cells", marks.length);
  frame.style.left = `${width * (end - length)}%`;
  frame.style.width = `${width * length}%`;
  aim.style.left = `${width * end}%`;
  aim.style.width = `${width}%`;
  buttons["-1"].disabled = position === 0;
  buttons["1"].disabled = position === windows.length - 1;
}

function go(position, keepFocus = false) {
  if (!picture || position < 0 || position >= picture.windows.length) return;
  ask("window", position);
  if (keepFocus) pairs.children[position].firstChild.focus({ preventScroll: true });
}

function ask(why, position = picture.position, unit = locked) {
  if (why !== "tick") box.dataset.state = "asked";
  askedAt = performance.now();
  trigger("view", { position, unit, why });
}

pairs.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined || !picture) return;
  event.preventDefault();
  stopSliding();
  go(picture.position + step, true);
});
for (const step of [-1, 1]) {
  buttons[step].addEventListener("click", () => {
    stopSliding();
    if (picture) go(picture.position + step);
  });
}
buttons.slide.addEventListener("click", () => {
  if (sliding !== null) return stopSliding();
  if (!picture) return;
  sliding = "waiting";
  buttons.slide.textContent = t("stop");
  go(0);
});

// The next window when this one has arrived and has been seen for a moment.
function slideOn() {
  if (sliding === null) return;
  clearTimeout(sliding);
  if (picture.position === picture.windows.length - 1) return stopSliding();
  sliding = setTimeout(() => go(picture.position + 1), SLOW);
}

function stopSliding() {
  clearTimeout(sliding);
  sliding = null;
  buttons.slide.textContent = t("slide");
}

// --- the network -----------------------------------------------------------------------------------------------

function drawNetwork() {
  const whole = picture.kind === "mlp";
  const window_ = picture.windows[picture.position];
  part("title").textContent = t("network", { context: text(window_.context) });
  part("look").textContent = whole ? t("network_look", { n: picture.into.length }) : t("look_plain");
  grid.hidden = !whole;
  stages.hidden = whole;
  box.dataset.kind = whole ? "mlp" : "other";
  drawLetters(whole, window_);
  if (whole) drawUnits();
  else stages.replaceChildren(...picture.layers.map((one) => make("li", {}, make("span", {}, one.name), make("span", { class: "num" }, one.shape))));
  drawBars(window_.target);
  heads[0].textContent = whole ? t("embedding", picture.shape) : t("letters");
  heads[1].textContent = whole ? t("hidden", { ...picture.shape, activation: picture.activation }) : t("stages");
  heads[2].textContent = t("output");
  ranges.replaceChildren(...(whole ? [key(t("of_rows"), picture.row_range), key(t("of_hidden"), picture.hidden_range), ...notes()] : []));
}

// What a colour means, with the range in numbers.
function key(name, range) {
  const cells = [-1, -0.67, -0.33, 0, 0.33, 0.67, 1].map((share) => {
    const cell = make("i", { class: "cell" });
    paint(cell, share, 1);
    return cell;
  });
  return make("span", { class: "key" }, `${name} ${written(-range, 2)}`, make("span", {}, ...cells), written(range, 2));
}

function notes() {
  const { k, d, h, V } = picture.shape;
  const found = [];
  if (k > MOST_PLACES || d > MOST_NUMBERS) found.push(t("some_rows", { k: Math.min(k, MOST_PLACES), d: Math.min(d, MOST_NUMBERS) }));
  if (h > MOST_UNITS) found.push(t("some_units", { shown: MOST_UNITS, h }));
  if (V > letters.length) found.push(t("some_letters", { shown: letters.length, of: V }));
  return found.map((note) => make("span", {}, note));
}

function drawLetters(whole, window_) {
  const first = Math.max(0, window_.context.length - MOST_PLACES);
  const shown = window_.context.slice(first);
  const numbers = whole ? Math.min(picture.shape.d, MOST_NUMBERS) : 0;
  if (blocks.dataset.size !== `${shown.length} ${numbers}`) {
    blocks.dataset.size = `${shown.length} ${numbers}`;
    blocks.style.setProperty("--columns", columnsOf(numbers));
    blocks.replaceChildren(...shown.map(() => make("div", { class: "block" }, make("b", {}),
      make("div", { class: "cells-of" }, ...Array.from({ length: numbers }, () => make("i", { class: "cell" }))))));
  }
  tiles = new Map();
  shown.forEach((id, i) => {
    const [letter, cellsOf] = blocks.children[i].children;
    letter.textContent = symbol(id);
    [...cellsOf.children].forEach((cell, n) => {
      const number = picture.rows[first + i][n];
      paint(cell, number, picture.row_range);
      cell.title = t("tile", { number: n, letter: symbol(id), value: written(number) });
      tiles.set((first + i) * picture.shape.d + n, cell);
    });
  });
}

function drawUnits() {
  const most = Math.min(picture.hidden.length, MOST_UNITS);
  if (units.length !== most) {
    units = Array.from({ length: most }, (_, i) => make("button", {
      type: "button", class: "cell unit", "data-unit": i,
      on: { pointerenter: () => hover(i), pointerleave: () => hover(null), focus: () => hover(i), blur: () => hover(null), click: () => lock(i) },
    }));
    grid.replaceChildren(...units);
  }
  const current = locked ?? Number(grid.dataset.at || value.followed || 0);
  units.forEach((cell, i) => {
    paint(cell, picture.hidden[i], picture.hidden_range);
    cell.tabIndex = i === Math.min(current, most - 1) ? 0 : -1;
    cell.setAttribute("aria-label", t("unit", { unit: i, value: written(picture.hidden[i]) }));
    cell.setAttribute("aria-pressed", i === locked);
    cell.classList.toggle("followed", i === value.followed);
  });
}

function drawBars(target) {
  const { p } = picture;
  const order = p.map((share, id) => id);
  if (p.length > MOST_BARS) {
    order.sort((a, b) => (b === target) - (a === target) || p[b] - p[a]);
    order.length = MOST_BARS;
    order.sort((a, b) => a - b);
  }
  const highest = Math.max(...p);
  if (order.join() !== letters.join()) {
    letters = order;
    rows = new Map(order.map((id) => [id, make("li", {}, make("b", {}, symbol(id)), make("span", { class: "track" }, make("i")), make("span", { class: "num" }))]));
    bars.replaceChildren(...rows.values());
  }
  for (const [id, row] of rows) {
    row.children[1].firstChild.style.setProperty("--share", `${((100 * p[id]) / highest).toFixed(1)}%`);
    row.lastChild.textContent = (100 * p[id]).toFixed(1);
    row.classList.toggle("target", id === target);
    row.title = t("pair", { context: text(picture.windows[picture.position].context), target: symbol(id), share: (100 * p[id]).toFixed(1) });
  }
}

// Numbers of a letter stand in rows of about the same length, of 8 at most.
const columnsOf = (numbers) => Math.ceil(numbers / Math.ceil(numbers / 8));

// --- links -----------------------------------------------------------------------------------------------------

function drawLinks() {
  for (const cell of tiles.values()) cell.classList.remove("linked");
  const area = net.getBoundingClientRect();
  if (!picture || picture.kind !== "mlp" || !area.width) return svg.replaceChildren();
  const at = hovered ?? locked;
  const into = at === null ? picture.into : picture.unit_into[at].map(([from, , product]) => [at, from, product]);
  const out = at === null ? picture.out : picture.unit_out[at].map(([to, , product]) => [to, at, product]);
  const down = box.dataset.flow === "down";
  const groups = [[into, (to) => units[to], tileOf], [out, barOf, (from) => units[from]]];
  const paths = []; // every place is read before anything is drawn, or each line would lay out the page again
  for (const [links, toOf, fromOf] of groups) {
    const largest = Math.max(...links.map(([, , product]) => Math.abs(product)), 1e-9);
    for (const [to, from, product] of links) {
      const [a, b] = [fromOf(from), toOf(to)];
      if (a && b) paths.push(link(a.getBoundingClientRect(), b.getBoundingClientRect(), area, down, product, largest));
    }
  }
  svg.setAttribute("viewBox", `0 0 ${area.width} ${area.height}`);
  svg.replaceChildren(...paths);
  for (const [, from] of into) tileOf(from)?.classList.add("linked");
}

const tileOf = (input) => tiles.get(input);
const barOf = (id) => rows.get(id)?.children[box.dataset.flow === "down" ? 1 : 0];

function link(a, b, area, down, product, largest) {
  const [x0, y0, x1, y1] = down
    ? [a.left + a.width / 2, a.bottom, b.left + b.width / 2, b.top]
    : [a.right, a.top + a.height / 2, b.left, b.top + b.height / 2];
  const [fromX, fromY, toX, toY] = [x0 - area.left, y0 - area.top, x1 - area.left, y1 - area.top];
  const [midX, midY] = [(fromX + toX) / 2, (fromY + toY) / 2];
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", down
    ? `M${fromX},${fromY} C${fromX},${midY} ${toX},${midY} ${toX},${toY}`
    : `M${fromX},${fromY} C${midX},${fromY} ${midX},${toY} ${toX},${toY}`);
  path.setAttribute("stroke-width", (0.5 + 3.5 * (Math.abs(product) / largest)).toFixed(2));
  path.setAttribute("class", product < 0 ? "minus" : "plus");
  return path;
}

// --- one unit --------------------------------------------------------------------------------------------------

function hover(unit) {
  hovered = unit;
  drawLinks();
  speak();
}

function speak() {
  const at = hovered ?? locked;
  say.textContent = at === null || !picture.unit_into ? value.said : unitSaid(at);
}

function unitSaid(at) {
  const { d } = picture.shape;
  const context = picture.windows[picture.position].context;
  const into = picture.unit_into[at].slice(0, 3).map(([j, weight, product]) => t("unit_in_item", {
    number: j % d, place: Math.floor(j / d) + 1, letter: symbol(context[Math.floor(j / d)]), weight: written(weight), product: written(product),
  }));
  const out = picture.unit_out[at].map(([id, , product]) => t("unit_out_item", { letter: symbol(id), product: written(product) }));
  const sentences = [t("unit", { unit: at, value: written(picture.hidden[at]) }), t("unit_into", { list: into.join("; ") }), t("unit_out", { list: out.join(", ") })];
  if (locked === null) sentences.push(t("lock"));
  return sentences.join(" ");
}

function lock(unit) {
  locked = locked === unit ? null : unit;
  grid.dataset.at = unit;
  if (locked === null) favourites.hidden = true;
  ask("unit");
  draw();
}

grid.addEventListener("keydown", (event) => {
  const at = units.indexOf(document.activeElement);
  if (at < 0) return;
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (event.key === "Escape" && locked !== null) lock(locked);
  if (step === undefined) return;
  event.preventDefault();
  const next = units[at + step];
  if (!next) return;
  units[at].tabIndex = -1;
  next.tabIndex = 0;
  grid.dataset.at = at + step;
  next.focus();
});

function drawFavourites() {
  const found = value.favourites;
  if (!found || locked !== found.unit) {
    favourites.hidden = locked === null || !favourites.childElementCount;
    return;
  }
  const range = Math.max(...found.weights.flat().map(Math.abs));
  const places = found.weights.map((row, place) => make("div", { class: "block" }, make("b", {}, t("place", { place: place + 1 })),
    make("div", { class: "cells-of" }, ...row.map((weight, n) => {
      const cell = make("i", { class: "cell", title: t("weight", { number: n, place: place + 1, value: written(weight) }) });
      paint(cell, weight, range);
      return cell;
    }))));
  const list = (title, contexts) => make("div", {}, make("h4", {}, title), make("ul", {}, ...contexts.map((one) => make("li", {},
    make("span", { class: "mono" }, t("in_name", { context: text(one.context), name: one.name })),
    make("span", { class: "num" }, written(one.value))))));
  favourites.replaceChildren(
    make("h3", {}, found.title), make("p", { class: "look" }, found.look),
    make("div", { class: "columns" }, make("div", {}, make("h4", {}, t("incoming", { range: written(range, 2) })), make("div", { class: "blocks", style: `--columns: ${columnsOf(found.weights[0].length)}` }, ...places)),
      list(t("most"), found.most), list(t("least"), found.least)),
    make("button", { type: "button", on: { click: () => { const at = locked; lock(at); units[at]?.focus(); } } }, t("close")));
  favourites.hidden = false;
}

// --- the table -------------------------------------------------------------------------------------------------

function fill() {
  if (!details.open || !picture) return;
  const row = (tag, values) => make("tr", {}, ...values.map((one) => make(tag, {}, one)));
  const window_ = picture.windows[picture.position];
  const lines = [row("th", [t("t_letter"), t("t_share")]), ...picture.p.map((share, id) => row("td", [symbol(id), (100 * share).toFixed(3)]))];
  if (picture.kind === "mlp") {
    lines.push(row("th", [t("t_unit"), t("t_value")]), ...picture.hidden.map((one, i) => row("td", [i, written(one, 5)])));
    lines.push(row("th", [`${t("t_place")}, ${t("t_letter")}, ${t("t_number")}`, t("t_value")]),
      ...picture.rows.flatMap((numbers, place) => numbers.map((one, n) => row("td", [`${place + 1}, ${symbol(window_.context[place])}, ${n}`, written(one, 5)]))));
  }
  table.replaceChildren(...lines);
}

// --- all of it -------------------------------------------------------------------------------------------------

function draw() {
  if (!picture) return;
  box.dataset.flow = box.clientWidth < 640 ? "down" : "across";
  drawWindows();
  drawNetwork();
  drawLinks();
  drawFavourites();
  part("whole").textContent = value.whole;
  part("at").textContent = value.at;
  say.setAttribute("aria-live", value.live ? "off" : "polite");
  speak();
  fill();
}

function show() {
  const next = unpack();
  if (!next) return;
  const other = value && (next.picture.text !== value.picture.text || next.picture.kind !== value.picture.kind
    || next.picture.hidden?.length !== value.picture.hidden?.length);
  if (other) [locked, hovered] = [null, null];
  value = { ...next, followed: next.followed ?? value?.followed };
  picture = value.picture;
  if (value.favourites) locked = value.favourites.unit;
  draw();
  box.dataset.seq = value.seq;
  box.dataset.state = value.live ? "live" : "drawn";
  if (askedAt) took = performance.now() - askedAt;
  slideOn();
  watchOn();
}

// A network that is learning is looked at again, a few times a second at most, while it is on the screen;
// more seldom where an answer takes long, so that a busy machine is not asked for more than it can do.
function watchOn() {
  clearTimeout(timer);
  if (!value || !value.live || !visible || document.hidden) return;
  timer = setTimeout(() => {
    ask("tick");
    timer = setTimeout(watchOn, LOST); // an answer that never comes must not end the watch
  }, Math.max(REST, 2 * took));
}

for (const name of ["windows", "windows_look"]) part(name).textContent = t(name);
buttons["-1"].textContent = t("back");
buttons["1"].textContent = t("next");
buttons.slide.textContent = t("slide");
details.firstElementChild.textContent = t("table");
details.addEventListener("toggle", fill);
new IntersectionObserver((entries) => {
  visible = entries.at(-1).isIntersecting;
  watchOn();
}).observe(box);
document.addEventListener("visibilitychange", watchOn);
new ResizeObserver(() => draw()).observe(box);
watch("value", show);
show();

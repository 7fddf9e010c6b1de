// The count table: a heat map, the focused row as bars on the same columns, and the focused cell in words.
// value, as JSON text = {seq, key, order, title, look, rows, rowNames, columns, letters, counts, p, held, losses, locked,
//                        shown: "count"|"share"|"surprise", guess: {row, shares}|null, guessedRow: i|null, names, totals, tally: {open, play}}
// focused = hovered ?? locked. All of it is drawn from these arrays: no hover, lock or drag waits for the server.
// Events: `lock` {row, column} for a cell that was locked, `counted` {} when the counting has been watched to its end.
const box = element.querySelector(".pair-table");
const plot = box.querySelector(".plot");
const LEFT = 32, BARS_TOP = 20, BARS_BOTTOM = 106, GRID_TOP = 132;
let value = null;
let now = null; // what is drawn: {counts, p} of the model, or of the tallies so far
let locked = [0, 0];
let hovered = null;
let place = null; // the drawing: cell size and the elements that change with the focus

const percent = (p) => `${p === 0 || p >= 0.0005 ? (100 * p).toFixed(1) : (100 * p).toPrecision(1)} %`;
const sumOf = (row) => row.reduce((a, b) => a + b, 0);
const focused = () => hovered ?? locked;
const asRow = (i) => (value.order === 1 ? t("any") : value.rowNames[i]);
const asColumn = (j) => (j === 0 ? t("end") : value.letters[j] === null ? t("others") : value.columns[j]);

// --- colour -----------------------------------------------------------------------------------------------------

let stops = [];
function readScale() {
  const found = getComputedStyle(document.body).getPropertyValue("--cividis").trim();
  stops = found ? JSON.parse(found).map(([at, colour]) => [at, colour.match(/\d+/g).map(Number)]) : [[0, [0, 0, 0]], [1, [0, 0, 0]]];
}
function colour(depth) {
  const v = Math.min(1, Math.max(0, depth));
  let i = 0;
  while (i < stops.length - 2 && stops[i + 1][0] < v) i += 1;
  const [[a, from], [b, to]] = [stops[i], stops[i + 1]];
  const part = (v - a) / (b - a);
  return `rgb(${from.map((x, n) => Math.round(x + (to[n] - x) * part))})`;
}

// How deep each cell is in the colour scale, what its key says, and where a cell stays blank.
function scaleOf() {
  if (value.shown === "surprise" && now.final) {
    const most = Math.max(...now.p.flat().filter((p) => p > 0).map((p) => -Math.log(p)), 1);
    return {
      depth: (i, j) => (now.p[i][j] > 0 ? -Math.log(now.p[i][j]) / most : null),
      unit: t("unit_surprise"), ticks: [[0, "0"], [1, most.toFixed(1)]],
    };
  }
  if (value.shown === "share") {
    const most = Math.max(...now.p.flat(), 1e-9);
    return {
      depth: (i, j) => (now.p[i][j] > 0 ? now.p[i][j] / most : null),
      unit: t("unit_share"), ticks: [[0, "0"], [1, (100 * most).toFixed(0)]],
    };
  }
  // Counts span four powers of ten: colour goes by the square root, so that rare pairs can be told apart.
  const most = Math.max(...now.counts.flat(), 1);
  const between = [1000, 10000, 100000].filter((n) => n < 0.7 * most).map((n) => [Math.sqrt(n / most), grouped(n)]);
  return {
    depth: (i, j) => (now.counts[i][j] ? Math.sqrt(now.counts[i][j] / most) : null),
    unit: t(value.order === 2 ? "unit_pairs" : "unit_times"), ticks: [[0, "1"], ...between, [1, grouped(most)]],
  };
}

// --- drawing ----------------------------------------------------------------------------------------------------

function build() {
  const width = Math.floor(plot.clientWidth);
  if (!value || !width) return;
  const rows = value.rows.length, columns = value.columns.length;
  const cell = (width - LEFT) / columns, tall = rows === 1 ? Math.max(cell, 24) : cell;
  const font = cell < 15 ? 10 : 12, every = Math.ceil(9 / cell);
  const X = (j) => LEFT + j * cell, Y = (i) => GRID_TOP + i * tall;
  const bottom = Y(rows);
  const scale = scaleOf();
  const held = plot.contains(document.activeElement) ? document.activeElement.dataset.at : null;
  place = { cell, tall, X, Y, width, bottom, rows: [], tops: [], feet: [], cells: [], bars: [] };
  const picture = svg("svg", { width, height: bottom + 60, viewBox: `0 0 ${width} ${bottom + 60}` });
  const letter = (x, y, text, anchor) => svg("text", { x, y, class: "letter", "text-anchor": anchor, style: `font-size:${font}px` }, text);
  place.chart = svg("g");
  place.handles = svg("g");
  picture.append(place.chart, place.handles);
  value.columns.forEach((symbol, j) => {
    if (j % every) return;
    place.tops[j] = letter(X(j) + cell / 2, GRID_TOP - 9, symbol, "middle");
    place.feet[j] = letter(X(j) + cell / 2, bottom + 15, symbol, "middle");
    picture.append(place.tops[j], place.feet[j]);
  });
  const grid = svg("g", { role: "grid", "aria-label": t("grid"), "aria-rowcount": rows, "aria-colcount": columns });
  value.rows.forEach((symbol, i) => {
    if (i % every === 0 || rows === 1) {
      place.rows[i] = letter(LEFT - 8, Y(i) + tall / 2 + font * 0.36, rows === 1 ? "" : symbol, "end");
      picture.append(place.rows[i]);
    }
    const line = svg("g", { role: "row" });
    place.cells.push(value.columns.map((_, j) => {
      const node = svg("rect", {
        x: (X(j) + 0.5).toFixed(2), y: (Y(i) + 0.5).toFixed(2), width: (cell - 1).toFixed(2), height: (tall - 1).toFixed(2),
        role: "gridcell", tabindex: -1, "data-at": `${i},${j}`,
      });
      paint(node, scale, i, j);
      line.append(node);
      return node;
    }));
    grid.append(line);
  });
  picture.append(grid);
  if (value.shown === "surprise" && now.final) picture.append(infinities(cell, tall, font));
  place.rowBox = svg("rect", { class: "row-box" });
  place.lockBox = svg("rect", { class: "lock-box" });
  place.hoverBox = svg("rect", { class: "hover-box" });
  place.guessBox = svg("rect", { class: "guess-box you" });
  place.guessName = svg("text", { class: "strong halo", "text-anchor": "end" }, t("your_guess"));
  picture.append(place.rowBox, place.guessBox, place.guessName, place.lockBox, place.hoverBox);
  if (rows > 1) {
    const middle = GRID_TOP + (bottom - GRID_TOP) / 2;
    picture.append(svg("text", { x: 10, y: middle, class: "ax", "text-anchor": "middle", transform: `rotate(-90 10 ${middle})` }, t("this_letter")));
  }
  picture.append(...key(scale, width, bottom));
  plot.replaceChildren(picture);
  mark();
  if (held) plot.querySelector(`[data-at="${held}"]`)?.focus({ preventScroll: true });
}

function paint(node, scale, i, j) {
  const depth = scale.depth(i, j);
  node.setAttribute("fill", depth === null ? "transparent" : colour(depth));
  node.setAttribute("aria-label", sentence(i, j));
}

// Where nothing was added to the counts, a pair never seen surprises without limit.
function infinities(cell, tall, font) {
  const group = svg("g", { class: "letter", "aria-hidden": "true" });
  now.p.forEach((row, i) => row.forEach((p, j) => {
    if (p === 0 && sumOf(now.counts[i])) {
      group.append(svg("text", { x: place.X(j) + cell / 2, y: place.Y(i) + tall / 2 + font * 0.33, "text-anchor": "middle", style: `font-size:${font}px` }, "∞"));
    }
  }));
  return group;
}

function key(scale, width, bottom) {
  const y = bottom + 32, long = Math.min(200, width * 0.42), x = width - long, parts = [];
  parts.push(svg("text", { x: LEFT, y: y + 9, class: "ax" }, t(width > 420 ? "next_letter_end" : "next_letter")));
  for (let i = 0; i < 40; i += 1) {
    parts.push(svg("rect", { x: x + (i * long) / 40, y, width: long / 40 + 0.4, height: 8, fill: colour((i + 0.5) / 40), "shape-rendering": "crispEdges" }));
  }
  scale.ticks.forEach(([at, text], i) => {
    const anchor = i === 0 ? "start" : i === scale.ticks.length - 1 ? "end" : "middle";
    parts.push(svg("text", { x: x + at * long, y: y + 24, class: "ax", "text-anchor": anchor }, text));
  });
  parts.push(svg("text", { x: x - 8, y: y + 9, class: "ax", "text-anchor": "end" }, scale.unit));
  return parts;
}

// What changes with the focus: the bars, the boxes, the bold letters, the sentence. Nothing is laid out anew.
function mark() {
  if (!place) return;
  const [i, j] = focused();
  const { cell, tall, X, Y } = place;
  chart(i, j);
  const setBox = (node, x, y, width, height, on = true) => {
    for (const [name, part] of Object.entries({ x, y, width, height })) node.setAttribute(name, part);
    node.style.display = on ? "" : "none";
  };
  setBox(place.rowBox, LEFT - 1, Y(i) - 0.5, value.columns.length * cell + 2, tall + 1);
  const guessed = value.guessedRow ?? 0, told = value.guessedRow !== null && now.final;
  setBox(place.guessBox, LEFT - 2, Y(guessed) - 1.5, value.columns.length * cell + 3, tall + 3, told);
  setBox(place.guessName, LEFT + value.columns.length * cell - 6, Y(guessed) + tall / 2 + 4, 0, 0, told);
  setBox(place.lockBox, X(locked[1]) - 0.5, Y(locked[0]) - 0.5, cell + 1, tall + 1);
  setBox(place.hoverBox, X(j) - 0.5, Y(i) - 0.5, cell + 1, tall + 1, hovered !== null);
  for (const [nodes, at] of [[place.tops, j], [place.feet, j], [place.rows, i]]) {
    nodes.forEach((node, n) => node.classList.toggle("strong", n === at));
  }
  const stop = place.cells[locked[0]][locked[1]];
  if (place.stop !== stop) { // the one cell that the tab key reaches
    place.stop?.setAttribute("tabindex", -1);
    place.stop?.removeAttribute("aria-selected");
    stop.setAttribute("tabindex", 0);
    stop.setAttribute("aria-selected", true);
    place.stop = stop;
  }
  box.querySelector("[data-part=said]").textContent = sentence(i, j);
  tell(i, j);
}

// The bars of row i on the columns of the table, column j with its number.
function chart(i, j) {
  const { cell, X, width } = place;
  const shares = now.p[i];
  const own = drawnRow(i);
  const guess = !own && value.guess && value.guess.row === i ? value.guess.shares : null;
  const most = Math.max(...shares, ...(guess || []).map((g) => g ?? 0), ...(own ? [...own, 0.6] : []), 0.01);
  const top = [0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1].find((step) => step >= most * 0.999) ?? 1;
  const H = (share) => BARS_BOTTOM - (share / top) * (BARS_BOTTOM - BARS_TOP);
  const outline = (n, y) => `M${X(n) + 1.5} ${BARS_BOTTOM}V${y}H${X(n) + cell - 1.5}V${BARS_BOTTOM}`;
  place.top = top;
  const parts = [svg("text", { x: 0, y: 10, class: "ax" }, t(value.order === 1 ? "axis_any" : "axis_after", { after: asRow(i) }))];
  for (const share of [0, top / 2, top]) {
    parts.push(svg("line", { x1: LEFT, x2: width, y1: H(share), y2: H(share), class: "grid" }));
    parts.push(svg("text", { x: LEFT - 6, y: H(share) + 4, class: "ax", "text-anchor": "end" }, `${+(100 * share).toFixed(1)}`));
  }
  shares.forEach((share, n) => {
    parts.push(svg("rect", { class: n === j ? "bar at" : "bar", x: X(n) + cell * 0.16, width: cell * 0.68, y: H(share), height: BARS_BOTTOM - H(share) }));
  });
  (guess || []).forEach((share, n) => {
    if (share) parts.push(svg("path", { class: "you", d: outline(n, H(share)) }));
  });
  (own || []).forEach((share, n) => parts.push(svg("path", { class: "you", d: outline(n, H(share)) })));
  parts.push(...labels(i, j, guess, own, H));
  place.chart.replaceChildren(...parts);
  handles(own);
}

// Where a text of so many px stands best: beside its bar or over it, above all bars that it reaches, and below the
// name of the axis and the legend.
function free(j, size, tops, legend) {
  const { cell, X, width } = place;
  const beside = Math.min(tops[j] + 9, BARS_BOTTOM - 4), middle = (X(j) + X(j + 1)) / 2;
  const places = [[X(j + 1) + 5, beside], [X(j) - 5 - size, beside], [middle - size / 2, tops[j] - 4]].map(([wanted, y]) => {
    const from = Math.min(Math.max(wanted, LEFT), width - size), to = from + size;
    const under = tops.filter((_, n) => X(n) < to + 2 && X(n) + cell > from - 2);
    const low = Math.min(y, ...under.map((top) => top - 4));
    const roof = legend && to > width - 200 ? BARS_TOP + 28 : from > 240 ? 12 : BARS_TOP + 4;
    return { from, y: Math.max(low, roof), off: Math.max(0, roof - low) * 10 + y - low };
  });
  return places.reduce((best, one) => (one.off < best.off ? one : best));
}

function labels(i, j, guess, own, H) {
  const { width } = place;
  const yours = own ? own[j] : guess ? guess[j] : null;
  const told = [percent(now.p[i][j]), yours === null || yours === undefined ? "" : t("you", { share: percent(yours) })];
  const tops = now.p[i].map((share, n) => H(Math.max(share, own?.[n] ?? 0, guess?.[n] ?? 0)));
  const size = told[0].length * 7 + (told[1] ? told[1].length * 7 + 8 : 0);
  const at = free(j, size, tops, (guess || own) && width > 420);
  const node = svg("text", { x: at.from, y: at.y, class: "halo" });
  node.append(svg("tspan", { class: "model-t" }, told[0]));
  if (told[1]) node.append(svg("tspan", { class: "strong", dx: 8 }, told[1]));
  const parts = [node];
  if ((guess || own) && width > 420) {
    const text = t(own ? "your_row" : "your_guess");
    parts.push(svg("path", { class: "you", d: `M${width - 92} ${BARS_TOP + 13}v-9h9v9z` }), svg("text", { x: width - 78, y: BARS_TOP + 13, class: "strong halo" }, text));
    parts.push(svg("rect", { class: "bar at", x: width - 196, y: BARS_TOP + 4, width: 9, height: 9 }), svg("text", { x: width - 182, y: BARS_TOP + 13, class: "model-t halo" }, t("the_table")));
  }
  return parts;
}

// The focused cell in words.
function sentence(i, j) {
  const count = now.counts[i][j], total = sumOf(now.counts[i]);
  const values = { after: asRow(i), next: asColumn(j), share: percent(now.p[i][j]), count: grouped(count), total: grouped(total) };
  if (value.order === 1) return t("said_any", values);
  if (!total) return t(now.final ? "said_no_row" : "said_not_yet", values);
  return t(count ? "said" : now.p[i][j] ? "said_never" : "said_impossible", values);
}

// The names and the line of the die follow what is focused here.
function tell(i, j) {
  const detail = { row: i, column: j, after: asRow(i), next: asColumn(j), p: now.p[i], columns: value.columns, preview: hovered !== null && (hovered[0] !== locked[0] || hovered[1] !== locked[1]), final: now.final, names: [] };
  if (detail.preview && value.letters[j] !== null) {
    const before = value.before.map((letter) => letter || "\n").join("");
    const wanted = before + (value.order === 1 ? "" : value.rowLetters[i] || "\n") + (value.letters[j] || "\n");
    for (const name of value.names) {
      const at = ("\n".repeat(value.order) + name + "\n").indexOf(wanted);
      if (at >= 0) detail.names.push([name, Math.max(0, at - value.order + 1), at - value.order + 1 + wanted.length]);
      if (detail.names.length === 8) break;
    }
  }
  document.dispatchEvent(new CustomEvent("lmlab:row", { detail }));
}
document.addEventListener("lmlab:ask-row", () => value && place && tell(...focused()));

// --- pointing, locking, keys ------------------------------------------------------------------------------------

function cellAt(event) {
  const at = plot.querySelector("svg").getBoundingClientRect();
  const j = Math.floor((event.clientX - at.left - LEFT) / place.cell), y = event.clientY - at.top;
  if (j < 0 || j >= value.columns.length) return null;
  if (y < GRID_TOP - 4) return y > 8 ? [locked[0], j] : null;
  const i = Math.floor((y - GRID_TOP) / place.tall);
  return i >= 0 && i < value.rows.length ? [i, j] : null;
}

function hover(at) {
  const same = hovered === at || (hovered && at && hovered[0] === at[0] && hovered[1] === at[1]);
  if (same) return;
  hovered = at;
  mark();
}

function lock(at, send = true) {
  locked = at;
  hovered = null;
  mark();
  box.querySelector("[data-part=spoken]").textContent = sentence(...locked);
  if (send && now.final) trigger("lock", { row: value.rowIds[at[0]], column: value.columnIds[at[1]] });
}

plot.addEventListener("pointermove", (event) => {
  if (place && event.pointerType === "mouse" && !dragging()) hover(cellAt(event));
});
// A cell that was reached by the keyboard stays focused; one that a click has focused does not.
plot.addEventListener("pointerleave", () => place && !dragging() && !plot.querySelector("[data-at]:focus-visible") && hover(null));
plot.addEventListener("click", (event) => {
  if (!place || dragging() || (drawnRow(locked[0]) && event.clientY < plot.getBoundingClientRect().top + GRID_TOP - 20)) return;
  const at = cellAt(event);
  if (at && value.letters[at[1]] !== null) lock(at);
});
plot.addEventListener("focusin", (event) => {
  const { at, bar } = event.target.dataset;
  if (!event.target.matches(":focus-visible") || dragging()) return;
  if (at) hover(at.split(",").map(Number));
  else if (bar) hover([own.row, Number(bar)]);
});
plot.addEventListener("focusout", () => hover(null));
plot.addEventListener("keydown", (event) => {
  if (!event.target.dataset.at) return;
  let [i, j] = event.target.dataset.at.split(",").map(Number);
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (event.key in moves) [i, j] = [i + moves[event.key][0], j + moves[event.key][1]];
  else if (event.key === "Home") j = 0;
  else if (event.key === "End") j = value.columns.length - 1;
  else if (event.key === "PageUp") i = 0;
  else if (event.key === "PageDown") i = value.rows.length - 1;
  else if (event.key === "Enter" || event.key === " ") {
    if (value.letters[j] !== null) lock([i, j]);
  } else if (event.key === "Escape") {
    lock([0, now.p[0].indexOf(Math.max(...now.p[0]))]);
    [i, j] = locked;
  } else return;
  event.preventDefault();
  event.stopPropagation();
  place.cells[i]?.[j]?.focus();
});

// --- values -----------------------------------------------------------------------------------------------------

function show() {
  const next = unpack();
  if (!next) return;
  const same = value && next.key === value.key && next.shown === value.shown;
  if (value && next.key !== value.key) putBack();
  value = next;
  locked = next.locked;
  for (const name of ["title", "look"]) box.querySelector(`[data-part=${name}]`).textContent = next[name];
  if (!counting()) now = next.tally.open ? { counts: next.counts, p: next.p, final: true } : sample();
  readScale();
  if (same && place && !hovered) mark();
  else build();
  tallied();
  told();
  fillWhole();
  box.dataset.seq = next.seq;
  box.dataset.state = "drawn";
}
watch("value", show);
new ResizeObserver(() => place?.width !== Math.floor(plot.clientWidth) && build()).observe(plot);
new MutationObserver(() => { readScale(); build(); }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
queueMicrotask(show); // after the scripts that follow this one

// A row of the student's own: drag its bars, the others keep their proportions, and see what the table would lose.
// `redrawn` and `rowNats` are the only mirrors here of what lmlab computes (lmlab/evaluation/counting.py); test vectors
// hold them equal.
let own = null; // {row, key, shares, moved} that the student has drawn; until a bar has `moved`, it is the counted row
let held = null; // the column that is being dragged

const dragging = () => held !== null;
const drawnRow = (i) => (own && own.row === i && value.key === own.key ? own.shares : null);

function redrawn(row, index, wanted) {
  const share = Math.min(1, Math.max(0, wanted));
  const others = 1 - row[index];
  if (others > 1e-9) return row.map((p, i) => (i === index ? share : (p * (1 - share)) / others));
  return row.map((p, i) => (i === index ? share : (1 - share) / (row.length - 1)));
}

function rowNats(counts, row) {
  return counts.reduce((nats, count, i) => nats + (count > 0 ? (row[i] > 0 ? count * -Math.log(row[i]) : Infinity) : 0), 0);
}

// What the whole table loses on one side of the split, in nats per character, with another row in the place of row i.
function lossWith(part, i, row) {
  const counts = part === "train" ? value.counts : value.held;
  const { nats, predictions } = value.losses[part];
  // The small table is here as a whole. Of a larger one the other rows' nats are what is left of the sum.
  const others = value.complete
    ? counts.reduce((sum, line, r) => sum + (r === i ? 0 : rowNats(line, value.p[r])), 0)
    : (nats ?? Infinity) - rowNats(counts[i], value.p[i]);
  return (others + rowNats(counts[i], row)) / predictions;
}

function start() {
  if (!now.final) return;
  own = { row: locked[0], key: value.key, shares: [...value.p[locked[0]]] };
  hovered = null;
  mark();
  told();
  plot.querySelector(".handle")?.focus();
}

function putBack() {
  own = null;
  held = null;
  if (value && place) {
    mark();
    told();
  }
}

// A slider before each bar while a row is drawn. They stay as they are from one change to the next: one has the focus.
function handles(shares) {
  const { cell, X } = place;
  if (!shares) return place.handles.replaceChildren();
  if (!place.handles.children.length) {
    place.handles.append(...shares.map((_, j) => svg("rect", {
      class: "handle", x: X(j), y: BARS_TOP - 6, width: cell, height: BARS_BOTTOM - BARS_TOP + 12, tabindex: 0, role: "slider", "data-bar": j,
      "aria-label": t("bar", { next: asColumn(j) }), "aria-valuemin": 0, "aria-valuemax": 100,
    })));
  }
  shares.forEach((share, j) => {
    place.handles.children[j].setAttribute("aria-valuenow", (100 * share).toFixed(1));
    place.handles.children[j].setAttribute("aria-valuetext", percent(share));
  });
}

function pull(j, share) {
  own.shares = redrawn(own.shares, j, share);
  own.moved = true;
  hovered = [own.row, j];
  mark();
  told();
}

function pointed(event) {
  const at = plot.querySelector("svg").getBoundingClientRect();
  const y = Math.min(BARS_BOTTOM, Math.max(BARS_TOP, event.clientY - at.top));
  pull(held, (place.top * (BARS_BOTTOM - y)) / (BARS_BOTTOM - BARS_TOP));
}

plot.addEventListener("pointerdown", (event) => {
  if (!own || event.target.dataset.bar === undefined) return;
  event.preventDefault();
  held = Number(event.target.dataset.bar);
  event.target.focus({ preventScroll: true });
  plot.setPointerCapture(event.pointerId);
  pointed(event);
});
plot.addEventListener("pointermove", (event) => dragging() && pointed(event));
for (const end of ["pointerup", "pointercancel"]) {
  plot.addEventListener(end, () => setTimeout(() => { held = null; }, 0)); // after the click that follows
}
plot.addEventListener("keydown", (event) => {
  if (!own || event.target.dataset.bar === undefined) return;
  const j = Number(event.target.dataset.bar);
  const steps = { ArrowUp: 0.01, ArrowDown: -0.01, PageUp: 0.1, PageDown: -0.1 };
  if (event.key in steps) pull(j, own.shares[j] + steps[event.key]);
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") plot.querySelector(`[data-bar="${j + (event.key === "ArrowRight" ? 1 : -1)}"]`)?.focus();
  else if (event.key === "Home" || event.key === "End") pull(j, event.key === "Home" ? 0 : 1);
  else if (event.key === "Escape") putBack();
  else return;
  event.preventDefault();
  event.stopPropagation();
});

// What the drawn row is worth, in words and on its own little axis.
function told() {
  const panel = box.querySelector(".own");
  const shares = own && own.key === value.key && own.row === locked[0] ? own.shares : null;
  if (own && !shares) own = null;
  box.querySelector("[data-do=draw]").hidden = shares !== null || !value.tally.open || counting();
  box.querySelector("[data-do=undraw]").hidden = shares === null;
  panel.hidden = shares === null;
  if (!shares) return;
  const i = own.row, seen = sumOf(value.counts[i]), later = sumOf(value.held[i]);
  const nats = (number) => (Number.isFinite(number) ? number.toFixed(3) : "∞");
  const pure = value.counts[i].map((count) => count / seen);
  const lines = [];
  if (seen) {
    const yours = rowNats(value.counts[i], shares) / seen, counted = rowNats(value.counts[i], pure) / seen;
    lines.push(t("own_train", { after: asRow(i), yours: nats(yours), counted: nats(counted) }));
    lines.push(t(yours - counted < 0.0005 ? "own_is_best" : "own_best"));
    axis(yours, counted, i);
  }
  if (later) {
    lines.push(t("own_held", { yours: nats(rowNats(value.held[i], shares) / later), counted: nats(rowNats(value.held[i], value.p[i]) / later) }));
    lines.push(t("own_table", { yours: nats(lossWith("validation", i, shares)), counted: nats(lossWith("validation", i, value.p[i])) }));
  } else lines.push(t("own_never", { after: asRow(i) }));
  panel.querySelector("p").textContent = own.moved ? lines.join(" ") : t("own_start");
  panel.dataset.yours = seen ? rowNats(value.counts[i], shares) / seen : "";
  panel.dataset.table = lossWith("validation", i, shares);
}

function axis(yours, counted, i) {
  const width = Math.max(240, plot.clientWidth), end = counted + 1.5;
  const x = (loss) => LEFT + ((end - Math.min(loss, end)) / (end - counted)) * (width - LEFT - 60); // better to the right
  const at = x(yours), far = at > width * 0.6;
  const picture = svg("svg", { width, height: 56, role: "img", "aria-label": t("own_axis", { after: asRow(i) }) },
    svg("text", { x: 0, y: 10, class: "ax" }, t("own_axis", { after: asRow(i) })),
    svg("line", { x1: LEFT, x2: width - 60, y1: 34, y2: 34, class: "axis" }),
    svg("circle", { cx: x(counted), cy: 34, r: 5, class: "bar at" }),
    svg("text", { x: x(counted) + 6, y: 53, class: "model-t", "text-anchor": "end" }, t("own_counted", { loss: counted.toFixed(2) })),
    svg("path", { class: "youmark", d: `M${at} 33l-6 -10h12z` }),
    svg("text", { x: at + (far ? -10 : 10), y: 26, class: "strong", "text-anchor": far ? "end" : "start" }, t("you", { share: Number.isFinite(yours) ? yours.toFixed(2) : "∞" })));
  box.querySelector(".own div").replaceChildren(picture);
}

box.querySelector("[data-do=draw]").addEventListener("click", start);
box.querySelector("[data-do=undraw]").addEventListener("click", () => {
  putBack();
  box.querySelector("[data-do=draw]").focus();
});
box.mirrors = { redrawn, rowNats, lossWith };

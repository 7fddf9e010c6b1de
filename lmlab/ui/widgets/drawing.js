// A drawn guess: one handle a label, moved by pointer or keys; as bars that may have to add up, or as a curve.
// value, as JSON text = {seq, labels, mode: "bars"|"curve", minimum, maximum, unit, total, axis, answer: [one number a label]}
// The answer changes in place; Python reads it with the next event. The event "draw" is triggered after each change.
const box = element.querySelector(".drawing");
const svgSpace = "http://www.w3.org/2000/svg";
const HEIGHT = 176, TOP = 28, LEFT = 40, RIGHT = 8, BOTTOM = 34;
let state = null;
let place = null; // where things stand, in pixels
let last = null; // where the pointer was

function svg(tag, attributes, text) {
  const node = document.createElementNS(svgSpace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const step = () => (state.maximum - state.minimum) / 100;
const number = (value) => (state.maximum - state.minimum > 20 ? value.toFixed(0) : value.toFixed(2));
const clamp = (value) => Math.min(state.maximum, Math.max(state.minimum, value));

// With a total the other bars share what is left, in the proportions they have.
function set(i, wanted) {
  const answer = state.answer;
  if (state.total === null) answer[i] = clamp(wanted);
  else {
    const value = Math.min(state.total, Math.max(0, wanted));
    const rest = state.total - value, others = state.total - answer[i];
    for (let k = 0; k < answer.length; k += 1) {
      if (k !== i) answer[k] = others > 1e-9 ? (answer[k] * rest) / others : rest / (answer.length - 1);
    }
    answer[i] = value;
  }
  props.value = JSON.stringify(state);
  draw(i);
  trigger("input", {});
}

function draw(active = -1) {
  const width = Math.max(240, box.clientWidth);
  const plot = box.querySelector("svg");
  const held = document.activeElement && box.contains(document.activeElement) ? document.activeElement.dataset.i : null;
  const n = state.labels.length;
  const band = (width - LEFT - RIGHT) / n;
  const x = (i) => LEFT + band * (i + 0.5);
  const y = (value) => TOP + ((state.maximum - value) / (state.maximum - state.minimum)) * (HEIGHT - TOP - BOTTOM);
  plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  plot.setAttribute("width", width);
  plot.setAttribute("height", HEIGHT);
  plot.replaceChildren();
  for (const part of [0, 0.5, 1]) {
    const value = state.minimum + part * (state.maximum - state.minimum);
    plot.append(svg("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value), class: "grid" }));
    plot.append(svg("text", { x: LEFT - 6, y: y(value) + 4, class: "tick", "text-anchor": "end" }, number(value)));
  }
  plot.append(svg("text", { x: 0, y: 11, class: "tick" }, state.unit));
  plot.append(svg("text", { x: width - RIGHT, y: HEIGHT - 2, class: "tick", "text-anchor": "end" }, state.axis || ""));
  const every = Math.ceil(n / Math.max(1, Math.floor((width - LEFT) / 16)));
  if (state.mode === "curve") {
    plot.append(svg("polyline", { class: "ink", points: state.answer.map((v, i) => `${x(i)},${y(v)}`).join(" ") }));
  }
  state.answer.forEach((value, i) => {
    if (state.mode === "bars") {
      plot.append(svg("rect", { class: "ink", x: x(i) - band * 0.36, width: band * 0.72, y: y(value), height: Math.max(0, y(state.minimum) - y(value)) }));
    }
    if (i % every === 0) plot.append(svg("text", { x: x(i), y: HEIGHT - BOTTOM + 15, class: "letter", "text-anchor": "middle" }, state.labels[i]));
    const handle = svg("circle", {
      class: "handle", cx: x(i), cy: y(value), r: state.mode === "bars" ? 4 : 6, tabindex: 0, role: "slider", "data-i": i,
      "aria-label": t("at", { label: state.labels[i] }), "aria-valuemin": state.minimum, "aria-valuemax": state.total ?? state.maximum,
      "aria-valuenow": value.toFixed(2), "aria-valuetext": `${number(value)} ${state.unit}`,
    });
    handle.addEventListener("keydown", (event) => key(event, i));
    plot.append(handle);
  });
  const said = active >= 0 ? active : state.answer.indexOf(Math.max(...state.answer));
  box.querySelector(".said").textContent = t("said", { label: state.labels[said], value: `${number(state.answer[said])} ${state.unit}` });
  if (held !== null && held !== undefined) plot.querySelector(`[data-i="${held}"]`)?.focus();
  box.dataset.seq = state.seq;
  place = {
    x,
    band,
    nearest: (px) => Math.min(n - 1, Math.max(0, Math.floor((px - LEFT) / band))),
    value: (py) => clamp(state.maximum - ((py - TOP) / (HEIGHT - TOP - BOTTOM)) * (state.maximum - state.minimum)),
  };
}

function key(event, i) {
  const moves = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
  if (event.key in moves) set(i, state.answer[i] + moves[event.key] * step());
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    box.querySelector(`[data-i="${i + (event.key === "ArrowRight" ? 1 : -1)}"]`)?.focus();
  } else if (event.key === "Home") set(i, state.minimum);
  else if (event.key === "End") set(i, state.total ?? state.maximum);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// Drag anywhere: a handle goes to the pointer's height where the pointer is near it or has just passed it.
function follow(event) {
  const at = plotArea.getBoundingClientRect();
  const now = { x: event.clientX - at.left, y: event.clientY - at.top };
  const near = place.nearest(now.x);
  const reach = state.mode === "bars" || !last ? place.band : 12;
  if (Math.abs(place.x(near) - now.x) <= reach) set(near, place.value(now.y));
  if (last) {
    for (let i = 0; i < state.labels.length; i += 1) {
      const share = (place.x(i) - last.x) / (now.x - last.x);
      if (share > 0 && share < 1) set(i, place.value(last.y + share * (now.y - last.y)));
    }
  }
  last = now;
}
const plotArea = box.querySelector("svg");
plotArea.addEventListener("pointerdown", (event) => {
  if (!state) return;
  event.preventDefault();
  last = null;
  plotArea.setPointerCapture(event.pointerId);
  follow(event);
});
plotArea.addEventListener("pointermove", (event) => {
  if (plotArea.hasPointerCapture(event.pointerId)) follow(event);
});

function show() {
  const value = unpack();
  if (!value || (state && value.seq === state.seq)) return; // the change was made here
  state = value;
  draw();
}
watch("value", show);
new ResizeObserver(() => state && draw()).observe(box);
show();

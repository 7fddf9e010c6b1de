// Follows figure.js on the loss chart: a mark on the step axis that goes back to any stored moment.
// The figure's value and the points that are added to it may bring {scrub: {run, steps}}: the name of the run, and the
// steps that can be gone back to. Triggers "scrub" with {step}, null being the present. A figure with {live: number} is of
// a run that goes on: "live" is triggered once for each, and Python sends what is new.
const WAIT = 80; // ms of rest before Python is asked
const handle = make("span", { class: "handle" });
const track = make("span", { class: "track" });
const gone = make("span", { class: "gone" });
const ticks = make("span", { class: "ticks" });
const dot = make("span", { class: "dot" });
const rule = make("span", { class: "rule" });
const rail = make("div", {
  class: "scrub", role: "slider", tabindex: 0, "aria-label": t("name"), "aria-orientation": "horizontal", hidden: true,
}, track, gone, ticks, handle);
plot.after(rule, dot, rail);
let stored = { run: "", steps: [] };
let at = null; // null: the present
let asking = null;

const axisOf = () => (plot._fullLayout ? plot._fullLayout.xaxis : null);
const last = () => {
  const [training, held] = current.figure.data;
  return Math.max(0, ...[training.x.at(-1), held.x.at(-1)].filter(Number.isFinite));
};
// On a logarithmic axis the start stands at 1.
const where = (step) => axisOf().d2p(axisOf().type === "log" ? Math.max(1, step) : step);
const stops = () => [...stored.steps.filter((step) => step < last()), last()];
const value = (trace, step) => {
  let found = null;
  trace.x.forEach((x, i) => { if (x <= Math.max(1, step) && trace.y[i] !== null) found = trace.y[i]; });
  return found;
};

function words() {
  const step = at === null ? last() : at;
  const [training, held] = current.figure.data;
  const numbers = [value(training, step), value(held, step)].map((y) => (y === null ? t("unmeasured") : y.toFixed(2)));
  return t(at === null ? "now" : "then", { step: grouped(step), training: numbers[0], held: numbers[1] });
}

// Once a frame, however often plotly draws.
let due = false;
function soon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    place();
  });
}

function place() {
  const x = axisOf();
  rail.hidden = rule.hidden = dot.hidden = !current || !x || !stored.steps.length || !current.figure.data[0].x.length;
  if (rail.hidden) return;
  const size = plot._fullLayout._size;
  const step = at === null ? last() : at;
  const inside = (px) => Math.min(size.w, Math.max(0, px));
  Object.assign(rail.style, {
    left: `${plot.offsetLeft + size.l}px`, top: `${plot.offsetTop + size.t + size.h}px`, width: `${size.w}px`,
  });
  gone.style.width = `${inside(where(last()))}px`;
  handle.style.left = `${inside(where(step))}px`;
  const marks = stops().map((stop) => Math.round(where(stop))).filter((px) => px >= 0 && px <= size.w);
  if (marks.join() !== ticks.dataset.at) {
    ticks.dataset.at = marks.join();
    ticks.replaceChildren(...marks.map((px) => make("i", { style: `left: ${px}px` })));
  }
  const px = where(step);
  const [training, held] = current.figure.data;
  const y = at === null ? value(held, step) ?? value(training, step) : value(training, step) ?? value(held, step);
  rule.hidden = px < 0 || px > size.w;
  Object.assign(rule.style, {
    left: `${plot.offsetLeft + size.l + px}px`, top: `${plot.offsetTop + size.t}px`, height: `${size.h}px`,
  });
  const py = y === null ? -1 : plot._fullLayout.yaxis.d2p(y);
  dot.hidden = rule.hidden || py < 0 || py > size.h;
  Object.assign(dot.style, { left: `${plot.offsetLeft + size.l + px}px`, top: `${plot.offsetTop + size.t + py}px` });
  rail.setAttribute("aria-valuemin", 0);
  rail.setAttribute("aria-valuemax", last());
  rail.setAttribute("aria-valuenow", step);
  rail.setAttribute("aria-valuetext", words());
  rail.dataset.at = at === null ? "now" : at;
}

function go(step) {
  const next = step >= last() ? null : step;
  if (next === at) return;
  at = next;
  place();
  parts.said.textContent = words();
  clearTimeout(asking);
  asking = setTimeout(() => trigger("scrub", { step: at }), WAIT);
}

function nearest(event) {
  const px = event.clientX - rail.getBoundingClientRect().left;
  return stops().reduce((best, stop) => (Math.abs(where(stop) - px) < Math.abs(where(best) - px) ? stop : best));
}

rail.addEventListener("pointerdown", (event) => {
  rail.setPointerCapture(event.pointerId);
  rail.focus({ preventScroll: true });
  go(nearest(event));
  event.preventDefault();
});
rail.addEventListener("pointermove", (event) => {
  if (rail.hasPointerCapture(event.pointerId)) go(nearest(event));
});
rail.addEventListener("keydown", (event) => {
  const all = stops(), here = all.indexOf(at === null ? last() : at);
  const moves = {
    ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1, Home: 0, End: all.length - 1,
    PageDown: here - 5, PageUp: here + 5, Escape: all.length - 1,
  };
  if (!(event.key in moves)) return;
  go(all[Math.min(all.length - 1, Math.max(0, moves[event.key]))]);
  event.preventDefault();
  event.stopPropagation();
});

let lives = 0;
function take() {
  const news = unpack();
  if (!news || !news.scrub) return;
  if (news.live > lives) {
    lives = news.live;
    trigger("live", {});
  }
  if (news.scrub.run !== stored.run) at = null; // another run is on the screen
  stored = news.scrub;
}
// plotly says when it has drawn; before its first drawing there is nothing to stand on
let wired = false;
function wire() {
  if (!wired && plot.on) {
    wired = true;
    plot.on("plotly_afterplot", soon);
  }
  soon();
}
take();
enqueue(wire);
watch("value", () => {
  take();
  enqueue(wire);
});

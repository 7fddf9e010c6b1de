// The loss ruler: one axis in nats per character, baselines below the line, models above, better to the right.
// value, as JSON text = {seq, baselines: [[title, loss]], models: [{title, loss, kind, said}]}
const root = element.querySelector(".marks");
const say = element.querySelector(".said");

function mark(kind, x, text, said, above) {
  const node = document.createElement("button");
  node.type = "button";
  node.className = `rmark ${kind}`;
  node.style.left = `${x}%`;
  node.title = said;
  node.setAttribute("aria-label", said);
  const label = document.createElement("span");
  label.className = "label";
  label.textContent = text;
  node.append(document.createElement("i"), label);
  node.addEventListener("click", () => { say.textContent = said; });
  root.append(node);
  return { node, label, above };
}

function show() {
  const value = unpack();
  root.replaceChildren();
  if (!value || !value.baselines.length) return;
  const losses = [...value.baselines.map((b) => b[1]), ...value.models.map((m) => m.loss)].filter(Number.isFinite);
  const left = Math.min(Math.max(...losses), value.baselines[0][1] * 1.15) + 0.1;
  const right = Math.min(...losses) - 0.1;
  const place = (loss) => 100 * Math.min(1, Math.max(0, (left - loss) / (left - right)));
  const rows = { above: [], below: [] };
  const narrow = root.clientWidth < 640;
  for (const [title, loss] of value.baselines) {
    const name = narrow ? title.replace("Kneser–Ney", "KN") : title;
    rows.below.push(mark("base", place(loss), `${loss.toFixed(2)} ${name}`, `${title}: ${loss.toFixed(3)} nats per character`, false));
  }
  // the model at hand is drawn last and keeps its label where two would touch
  for (const m of [...value.models].sort((a, b) => (a.kind === "now") - (b.kind === "now"))) {
    const number = Number.isFinite(m.loss) ? m.loss.toFixed(2) : "∞";
    rows.above.push(mark(m.kind, place(Number.isFinite(m.loss) ? m.loss : left), `${number} ${m.title}`, m.said, true));
  }
  for (const row of [rows.below, rows.above.reverse()]) spread(row);
  element.querySelector(".ruler").dataset.seq = value.seq;
}

// Labels stay inside the ruler; one that would touch a label already placed is left out (its mark stays).
function spread(row) {
  const frame = root.getBoundingClientRect();
  const taken = [];
  for (const { node, label } of row) {
    const at = node.getBoundingClientRect();
    const width = label.offsetWidth;
    const centre = at.left + at.width / 2 - frame.left;
    const begin = Math.min(Math.max(centre - width / 2, 0), frame.width - width);
    label.style.left = `${begin - (at.left - frame.left)}px`;
    const free = taken.every(([a, b]) => begin + width + 10 < a || begin > b + 10);
    label.hidden = !free;
    if (free) taken.push([begin, begin + width]);
  }
}
watch("value", show);
new ResizeObserver(show).observe(root);
show();

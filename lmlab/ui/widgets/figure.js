// The figure widget: keeps one plotly chart alive in the page.
// value, as JSON text = {seq, figure, title, look, said, height, table, sum, code}     a new figure, drawn with Plotly.react
//       | {seq, after, traces, x, y, rows, notes}             new points for the figure whose seq is `after`
// A value with `tell` is answered with the event `drawn` once it stands on the page, so that nobody sends faster than
// the page can draw.
// Colours arrive as names of CSS tokens ("--model") and are looked up here, for light and for dark.
const box = element.querySelector(".fig");
const plot = element.querySelector(".plot");
const parts = {};
for (const name of ["title", "look", "said"]) parts[name] = element.querySelector(`[data-part="${name}"]`);
const table = element.querySelector("table");
const [details, sum, code] = ["table", "sum", "code"].map((name) => element.querySelector(`[data-depth="${name}"]`));
let current = null; // the figure as it came, with every point that was added since
let queue = Promise.resolve();

const scheme = () => getComputedStyle(document.body);
function resolve(value, style) {
  if (typeof value === "string" && value.startsWith("--")) {
    const found = style.getPropertyValue(value).trim();
    if (!found) return value; // a text that happens to begin with two dashes
    return found.startsWith("[") ? JSON.parse(found) : found;
  }
  if (Array.isArray(value)) return value.map((part) => resolve(part, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolve(part, style)]));
  }
  return value;
}

const narrow = () => plot.clientWidth < 480;

// Beside a small chart only a short text fits: a note's `name`.
function shortened(notes) {
  if (!narrow() || !(current.figure.layout.meta || {}).narrow_margin) return notes;
  return notes.map((note) => (note.name ? { ...note, text: note.name } : note));
}

function fitted(layout) {
  const [share, plus] = current.height;
  const meta = layout.meta || {};
  layout.width = Math.max(240, Math.floor(plot.clientWidth || box.clientWidth));
  layout.height = Math.round(share * layout.width + plus);
  if (narrow() && meta.narrow_margin) layout.margin.r = meta.narrow_margin;
  layout.annotations = shortened(layout.annotations || []);
  if (narrow() && meta.dense) {
    for (const key of ["xaxis", "yaxis"]) layout[key].tickfont = { ...layout[key].tickfont, size: 10 };
  }
  if (window.matchMedia("(pointer: coarse)").matches) layout.dragmode = false; // a finger scrolls the page
  return layout;
}

async function draw() {
  if (!current || !box.isConnected || !box.clientWidth) return;
  const style = scheme();
  const { data, layout } = resolve(current.figure, style);
  await window.Plotly.react(plot, data, fitted(layout), { displayModeBar: false, doubleClick: "reset", responsive: false });
  if (!plot.dataset.wired) {
    plot.dataset.wired = "yes";
    plot.on("plotly_click", (event) => {
      const point = event.points[0];
      trigger("select", { curve: point.curveNumber, index: point.pointNumber, custom: point.customdata ?? null });
    });
  }
}

function write() {
  for (const name in parts) parts[name].textContent = current[name] || "";
  box.setAttribute("aria-label", `${current.title}. ${current.said}`);
  sum.hidden = !(current.sum || []).length;
  sum.querySelector("pre").textContent = (current.sum || []).join("\n");
  code.hidden = !current.code;
  code.querySelector(".where").textContent = current.code ? current.code.where : "";
  code.querySelector("pre").textContent = current.code ? current.code.text : "";
  fill();
}

function fill() {
  if (!details.open || !current) return;
  const cells = (tag, row) => {
    const line = document.createElement("tr");
    for (const value of row) {
      const cell = document.createElement(tag);
      cell.textContent = value === null ? "" : value;
      line.append(cell);
    }
    return line;
  };
  table.replaceChildren(cells("th", current.table.columns), ...current.table.rows.map((row) => cells("td", row)));
}

async function show(value) {
  if (!value) return;
  if (value.figure) {
    current = value;
    write();
    await draw();
  } else {
    if (!current || current.seq !== value.after) {
      if (current === null || current.seq < value.after) trigger("resync", {}); // a message was missed: ask for all of it
      return;
    }
    current.seq = value.seq;
    value.traces.forEach((trace, i) => {
      current.figure.data[trace].x.push(...value.x[i]);
      current.figure.data[trace].y.push(...value.y[i]);
    });
    current.table.rows.push(...value.rows);
    fill();
    if (value.notes) current.figure.layout.annotations = value.notes;
    if (plot.dataset.wired) {
      await window.Plotly.extendTraces(plot, { x: value.x, y: value.y }, value.traces);
      if (value.notes) await window.Plotly.relayout(plot, { annotations: shortened(resolve(value.notes, scheme())) });
    } else await draw();
  }
  box.dataset.seq = current.seq;
  box.dataset.state = "drawn";
  if (value.tell) trigger("drawn", { seq: current.seq });
}

// One drawing after the other: plotly's calls are asynchronous and must not overtake each other.
const enqueue = (work) => {
  queue = queue.then(work).catch((error) => console.error("figure", error));
};
watch("value", () => {
  const value = unpack(); // as it is now: by the time it is drawn, another one may have come
  enqueue(() => show(value));
});
details.addEventListener("toggle", fill);
new ResizeObserver(() => enqueue(draw)).observe(box);
new MutationObserver(() => enqueue(draw)).observe(document.body, { attributes: true, attributeFilter: ["class"] });
const first = unpack();
enqueue(() => show(first));

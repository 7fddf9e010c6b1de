// One row laid end to end from 0 to 1, the random number that picks a letter, and the name so far.
// value, as JSON text = {seq, after, columns, p, u, token, word: [letters], kept, ended, verdict, often: [tokens]|null, said}
// Another row that is only looked at in the table (event `lmlab:row`) stands here for as long. Events: `roll`, `whole`, `often`.
const box = element.querySelector(".die");
const plot = box.querySelector(".plot");
const LEFT = 32;
let value = null;
let focus = null; // what the table shows: {p, row, column, preview, after}
let shown = 0; // rolls of the hundred that are drawn
let frame = 0;

const named = (j) => (j === 0 ? t("end") : value.columns[j]);

function draw() {
  const width = Math.floor(plot.clientWidth);
  if (!value || !width) return;
  const other = focus && focus.final && focus.preview && focus.after !== value.after;
  const p = other ? focus.p : value.p;
  const lit = other ? focus.column : value.u === null ? (focus && focus.final && focus.after === value.after ? focus.column : null) : value.token;
  const u = other || value.often ? null : value.u;
  const x = (share) => LEFT + share * (width - LEFT);
  const picture = svg("svg", { width, height: 68, role: "img", "aria-label": t("line", { after: other ? focus.after : value.after }) });
  let begin = 0;
  p.forEach((share, j) => {
    const from = x(begin), to = x(begin + share);
    begin += share;
    if (share <= 0) return;
    picture.append(svg("rect", { x: from + 0.5, y: 22, width: Math.max(0.4, to - from - 1), height: 20, class: j === lit ? "hit" : "soft" }));
    const label = named(j);
    if (to - from > 6 + 7.5 * label.length) picture.append(svg("text", { x: (from + to) / 2, y: 36, class: j === lit ? "mono on" : "mono", "text-anchor": "middle" }, label));
  });
  if (u !== null) {
    const right = u > 0.85;
    picture.append(svg("path", { class: "pin", d: `M${x(u)} 42V14` }), svg("circle", { class: "pin", cx: x(u), cy: 10, r: 4 }),
      svg("text", { x: x(u) + (right ? -9 : 9), y: 14, class: "strong", "text-anchor": right ? "end" : "start" }, u.toFixed(3)));
  }
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    picture.append(svg("text", { x: x(tick), y: 60, class: "ax", "text-anchor": tick === 0 ? "start" : tick === 1 ? "end" : "middle" }, tick));
  }
  plot.replaceChildren(picture, ...(value.often && !other ? [histogram(width)] : []));
  box.dataset.state = other ? "preview" : "drawn";
}

// What came up in many rolls, and as outlines what the row promises.
function histogram(width) {
  const n = value.columns.length, cell = (width - LEFT) / n, rolls = value.often.slice(0, shown);
  const came = value.columns.map((_, j) => rolls.filter((token) => token === j).length / Math.max(1, rolls.length));
  const most = Math.max(...came, ...value.p), every = Math.ceil(9 / cell);
  const y = (share) => 96 - (share / most) * 74;
  const picture = svg("svg", { width, height: 132, role: "img", "aria-label": value.said });
  picture.append(svg("text", { x: 0, y: 10, class: "ax" }, t("of_rolls", { n: rolls.length })));
  for (const share of [0, most]) {
    picture.append(svg("line", { x1: LEFT, x2: width, y1: y(share), y2: y(share), class: "grid" }),
      svg("text", { x: LEFT - 6, y: y(share) + 4, class: "ax", "text-anchor": "end" }, (100 * share).toFixed(0)));
  }
  came.forEach((share, j) => {
    const left = LEFT + j * cell;
    picture.append(svg("rect", { class: "hit", x: left + cell * 0.16, width: cell * 0.68, y: y(share), height: 96 - y(share) }),
      svg("path", { class: "truth", d: `M${left + 1.5} 96V${y(value.p[j])}H${left + cell - 1.5}V96` }));
    if (j % every === 0) picture.append(svg("text", { x: left + cell / 2, y: 111, class: "mono ax", "text-anchor": "middle", style: `font-size:${cell < 15 ? 10 : 12}px` }, value.columns[j]));
  });
  picture.append(svg("text", { x: LEFT, y: 129, class: "ax" }, t("outlines")));
  return picture;
}

function write() {
  const word = box.querySelector(".word");
  word.replaceChildren();
  if (value.often || value.u === null) return;
  const start = value.kept ? "…" : ".";
  word.append(make("span", { class: "mark" }, start), ...value.word.map((letter) => make("span", {}, letter)));
  if (value.ended) word.append(make("span", { class: "mark" }, "."), make("span", { class: "verdict" }, value.verdict));
}

function show() {
  const next = unpack();
  if (!next || (value && next.seq === value.seq)) return;
  value = next;
  cancelAnimationFrame(frame);
  write();
  box.querySelector("[data-part=said]").textContent = value.said;
  shown = value.often && window.matchMedia("(prefers-reduced-motion: reduce)").matches ? value.often.length : 0;
  draw();
  if (value.often && shown === 0) more();
  box.dataset.seq = value.seq;
}

function more() {
  shown = Math.min(value.often.length, shown + Math.ceil(value.often.length / 30));
  draw();
  if (shown < value.often.length) frame = requestAnimationFrame(more);
}

document.addEventListener("lmlab:row", (event) => {
  focus = event.detail;
  draw();
});
for (const what of ["roll", "whole", "often"]) {
  box.querySelector(`[data-do=${what}]`).addEventListener("click", () => trigger(what, {}));
}
watch("value", show);
new ResizeObserver(draw).observe(plot);
show();
document.dispatchEvent(new CustomEvent("lmlab:ask-row"));

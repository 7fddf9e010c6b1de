// A word as the model's surprise at each of its letters. A letter is a way back to its roll: the columns follow at once.
const section = element.querySelector(".surprise");
const figure = section.querySelector(".word-figure");
const box = section.querySelector(".letters");
const [title, novel, look] = [figure.querySelector("h3"), figure.querySelector(".novel"), figure.querySelector(".look")];
const [nextTitle, nextLook] = section.querySelectorAll(".next > *");
let value = null;
let at = 0;

function before() {
  return value.letters.slice(0, at).map((letter) => letter.text).join("");
}

function heading() {
  if (value.mode === "logits") {
    nextTitle.textContent = t("logits_title");
  } else {
    const [first, last] = t(at ? "after" : "first").split("{letters}");
    nextTitle.replaceChildren(first, ...(at ? [make("span", { class: "mono" }, before()), last] : []));
  }
  nextLook.textContent = t(value.mode === "logits" ? "logits_look" : "next_look");
}

const shown = (nats) => (nats === null ? "∞" : nats.toFixed(1));

function draw() {
  if (!value || !value.letters.length || !box.clientWidth) return;
  const { letters } = value;
  const w = box.clientWidth;
  const left = 34;
  const wide = w >= 640;
  const room = w - left - (wide ? 190 : 0);
  const cw = Math.max(14, Math.min(84, room / letters.length));
  const width = Math.max(w, left + cw * letters.length);
  const base = 116;
  const top = 22;
  const highest = Math.max(4, ...letters.map((letter) => letter.nats || 0));
  const stride = highest > 12 ? 4 : highest > 4 ? 2 : 1;
  const most = stride * Math.ceil(highest / stride);
  const y = (nats) => base - ((base - top) * Math.min(nats === null ? most : nats, most)) / most;
  const height = wide ? 172 : 192;
  const drawing = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  drawing.append(label(0, 10, t("axis"), "ax"));
  for (let v = 0; v <= most; v += stride) {
    drawing.append(line(left, y(v), left + cw * letters.length, y(v), "grid"));
    if (v % 2 === 0) drawing.append(label(left - 8, y(v) + 4, v, "ax", "end"));
  }
  const nodes = letters.map((letter, j) => {
    const x = left + cw * (j + 0.5);
    const here = j === at;
    const end = j === letters.length - 1 && value.ended;
    const node = svg("g", {
      role: "button", "data-j": j, class: `letter ${letter.kind}${here ? " here" : ""}`, "aria-pressed": here,
      "aria-label": t("letter_said", { letter: end ? t("end") : letter.text, nats: shown(letter.nats), kind: t(letter.kind) }),
    });
    node.append(rect(x - cw / 2, 0, cw, 168, "hit"), rect(x - cw * 0.3, y(letter.nats), cw * 0.6, base - y(letter.nats), "bar"));
    if (cw >= 26 || here) node.append(label(x, y(letter.nats) - 6, shown(letter.nats), "nats halo", "middle"));
    const size = end ? Math.min(13, cw / 2) : Math.min(26, (cw * 1.5) / [...letter.text].length);
    node.append(label(x, end ? 144 : 148, end ? t("end") : letter.text, "glyph", "middle", { style: `font-size:${Math.max(size, 10)}px` }));
    if (here) node.append(line(x - cw * 0.3, 159, x + cw * 0.3, 159, "under"));
    return node;
  });
  drawing.append(...nodes);
  const total = value.nats === null ? "∞" : value.nats.toFixed(1);
  const per = value.nats === null ? "∞" : (value.nats / value.characters).toFixed(2);
  const count = { nats: total, n: value.predictions, per };
  if (wide) {
    const x = left + cw * letters.length + 32;
    drawing.append(label(x, 60, t("total", count), "strong large"));
    ["total_over", value.ended ? "total_ended" : "total_open", "total_per"].forEach((name, i) => drawing.append(label(x, 82 + 18 * i, t(name, count))));
  } else drawing.append(label(0, 186, t("total_line", count)));
  replace(box, drawing, "data-j");
  walk(nodes, along(nodes, "ArrowLeft", "ArrowRight"), (node) => choose(Number(node.dataset.j)), Math.min(at, nodes.length - 1));
}

function tell() {
  document.dispatchEvent(new CustomEvent("lmlab-sample-at", { detail: { at, seq: value.seq } }));
}

function choose(j) {
  at = j;
  section.dataset.at = j;
  draw();
  heading();
  tell();
  trigger("choose", { at: j });
}

function show() {
  value = unpack();
  if (!value) return;
  at = value.at;
  figure.hidden = value.mode === "logits";
  title.textContent = t("title");
  look.textContent = t("look");
  box.setAttribute("aria-label", t("title"));
  if (value.mode !== "logits") {
    const parts = t(`novelty_${value.novelty.replace(" ", "_")}`).split("|");
    const fresh = make("button", { type: "button", class: "plain", on: { click: () => trigger("fresh", {}) } }, t("fresh"));
    const held = novel.contains(document.activeElement);
    novel.replaceChildren(make("span", {}, make("b", {}, parts[0]), parts[1] || ""), fresh);
    if (held) fresh.focus();
    const letters = value.letters.map((letter, j) => (j === value.letters.length - 1 && value.ended ? t("end") : letter.text));
    say(t(value.ended ? "said" : "said_open", { word: letters.slice(0, value.ended ? -1 : undefined).join(""),
      nats: value.nats === null ? "∞" : value.nats.toFixed(1), n: value.predictions }));
    fillTable([t("column_letter"), t("column_nats"), t("column_p"), t("column_how")], value.letters.map((letter, j) => [
      letters[j], letter.nats === null ? "∞" : letter.nats.toFixed(3),
      letter.nats === null ? "0" : (100 * Math.exp(-letter.nats)).toFixed(2), t(letter.kind)]));
  }
  heading();
  draw();
  section.dataset.mode = value.mode;
  section.dataset.at = at;
  section.dataset.seq = value.seq;
}
watch("value", show);
new ResizeObserver(draw).observe(box);
show();

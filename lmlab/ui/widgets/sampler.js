// From logits to the choice: columns that share their rows. Everything here is computed from the logits that the worker
// sent once (rules.js); Python is asked again only when a letter is forced, or a moment after the sliders rest.
const figure = element.querySelector(".sampler");
const flow = element.querySelector(".flow");
const MOST_ROWS = 60;
const REST = 250; // milliseconds without a move until the sliders count as settled
let value = null;
let at = 0;
let rules = null; // {T, k, p, m} as the sliders stand
let now = null; // what the rules make of the step at hand
let focus = null; // the row under the pointer or the keyboard
let settling = 0;
let logits = null;

const show = (i) => (i === value.boundary ? t("end") : short(value.symbols[i]));
const percent = (p, digits = 1) => {
  if (value.exact) return p.toFixed(4);
  const least = 10 ** -digits;
  return p > 0 && 100 * p < least / 2 ? `<${least}` : (100 * p).toFixed(digits);
};
const share = (p) => (value.exact ? p.toFixed(4) : `${(100 * p).toFixed(1)} %`);

// The student's outlines: they were made for the first roll.
const guesses = () => (at === 0 && value.guess) || {};

// A sentence about letters, or about tokens where the logits are nobody's letters.
const said = (name, values) => t(value.exact ? `${name}_token` : name, values);

function compute() {
  const step = value.steps[at];
  if (!step || !step.z) {
    now = null; // too large a vocabulary to send all steps: Python sends this one
    return;
  }
  if (logits?.sent !== step.z) logits = { sent: step.z, z: logitsOf(step.z) };
  const { z } = logits;
  const size = z.length;
  const used = { temperature: rules.T, top_k: rules.k < size ? rules.k : null, top_p: rules.p < 1 ? rules.p : null, min_p: rules.m > 0 ? rules.m : null };
  const scaled = temperature(z, rules.T);
  const kept = applyRules(z, used);
  const [own, p, final] = [softmax(z), softmax(scaled), softmax(kept)];
  const rows = ranking(z);
  const place = {};
  let sum = 0;
  for (const i of ranking(final)) {
    if (kept[i] === -Infinity) continue;
    place[i] = [sum, sum + final[i]];
    sum += final[i];
  }
  const hit = step.u === null ? null : choose(final, step.u);
  const chosen = hit ?? step.id;
  const keep = kept.filter((x) => x > -Infinity).length;
  const cut = rows.slice(keep).reduce((total, i) => total + p[i], 0);
  const shown = rows.slice(0, MOST_ROWS);
  if (!shown.includes(chosen)) shown[shown.length - 1] = chosen;
  now = { step, z, size, scaled, kept, own, p, final, rows, shown, place, hit, chosen, keep, cut };
}

// --- drawing -----------------------------------------------------------------------------------------------

function draw() {
  if (!value || !flow.clientWidth) return;
  compute();
  figure.dataset.state = now ? "drawn" : "waiting";
  if (!now) return;
  const w = flow.clientWidth;
  const narrow = w < 640;
  const { shown, size, keep, step } = now;
  const n = shown.length;
  const rh = Math.max(20, Math.min(56, 224 / n));
  const top = 52;
  const foot = top + n * rh;
  const y = (k) => top + (k + 0.5) * rh;
  const s = w / 936;
  const g = narrow
    ? { p: [30, Math.min(92, w * 0.25)], f: [w - 222, 78], c: [w - 128, 60], l: w - 64 }
    : { z: [36 * s, 100 * s], t: [168 * s, 100 * s], p: [304 * s, 162 * s], f: [502 * s, 140 * s], c: [654 * s, 140 * s], l: 806 * s };
  const more = size - n;
  const height = foot + (more > 0 ? 44 : 28);
  const drawing = svg("svg", { width: w, height, viewBox: `0 0 ${w} ${height}` });
  const head = (x, a, b) => drawing.append(label(x, 14, a, "strong"), label(x, 30, b, "ax"));
  const greedily = rules.T === 0;

  if (!narrow) {
    head(g.z[0], t("logit"), t("logit_unit"));
    head(g.t[0], "÷ T", greedily ? t("greedy") : `z / ${rules.T.toFixed(2)}`);
  }
  head(g.p[0], "p", t(value.exact ? "p_exact" : "p_unit"));
  head(g.f[0], t("final"), t(narrow ? "final_narrow" : value.exact ? "final_exact" : "final_unit"));
  if (narrow) drawing.append(label(g.l - 6, 14, t("sum_narrow"), "strong"), label(g.l - 6, 30, t("sum_unit"), "ax"));
  else head(g.l, t("sum"), t("sum_unit"));

  // One scale for both logit columns: dividing by T moves the bars, not the axis.
  const finite = now.z.filter((x) => x > -Infinity);
  const stretch = greedily ? 1 : Math.max(Math.min(rules.T, 1), 0.25);
  const [low, high] = [Math.min(...finite, -1) / stretch, Math.max(...finite, 1) / stretch];
  const zx = (c, v) => c[0] + (c[1] * (Math.max(low, Math.min(high, v)) - low)) / (high - low);
  const bar = (c, v, k, on) => {
    const [x0, x1] = [zx(c, 0), zx(c, v)];
    const width = Math.abs(x1 - x0);
    return rect(Math.min(x0, x1), y(k) - 6, Math.max(width, 1), 12, on ? "fill" : width < 2 ? "ghosttick" : "ghost");
  };
  const pmost = Math.max(...now.p, 0.5 * Math.max(...now.final), ...Object.values(guesses()));
  const fmost = Math.max(...now.final);
  if (!narrow) {
    for (const c of [g.z, g.t]) {
      drawing.append(line(zx(c, 0), top, zx(c, 0), foot, "axis"));
      const ticks = [Math.ceil(low), 0, Math.floor(high)].filter((v) => v === 0 || Math.abs(zx(c, v) - zx(c, 0)) > 18);
      for (const v of ticks) drawing.append(label(zx(c, v), foot + 16, minus(v), "ax", "middle"));
    }
  }
  for (const c of [g.p, g.f]) {
    drawing.append(line(c[0], top, c[0], foot, "axis"));
    if (!narrow) drawing.append(label(c[0], foot + 16, 0, "ax", "middle"));
  }

  const nodes = shown.map((i, k) => {
    const on = now.kept[i] > -Infinity;
    const cls = i === now.chosen ? "strong" : on ? "" : "ax";
    const node = svg("g", {
      role: "button", "data-i": i, class: `row${i === now.chosen ? " chosen" : ""}${on ? "" : " cut"}`,
      "aria-label": t("row_said", { letter: show(i), p: share(now.p[i]), final: share(now.final[i]) }),
    });
    node.append(rect(0, y(k) - rh / 2, g.f[0] + g.f[1] + (narrow ? 12 : 0), rh, "wash"));
    const name = show(i);
    const small = narrow && i === value.boundary;
    node.append(label(narrow ? 14 : 20 * s, y(k) + 4, narrow ? short(name, 4) : name, `${cls} m`, "middle", small || [...name].length > 3 ? { style: "font-size:10px" } : {}));
    if (!narrow) {
      node.append(bar(g.z, now.z[i], k, on));
      node.append(bar(g.t, greedily ? (on ? now.z[i] : 0) : now.z[i] / rules.T, k, on));
    }
    const pw = (now.p[i] / pmost) * (g.p[1] - 52);
    node.append(rect(g.p[0], y(k) - 6, Math.max(pw, 1), 12, on ? "fill" : pw < 2 ? "ghosttick" : "ghost"));
    const guessed = guesses()[i];
    const gw = guessed === undefined ? 0 : (guessed / pmost) * (g.p[1] - 52);
    if (gw) node.append(rect(g.p[0], y(k) - 9, gw, 18, "you"));
    node.append(label(g.p[0] + Math.max(pw, gw) + 6, y(k) + 4, percent(now.p[i]), `${cls} number`));
    if (on) {
      const fw = (now.final[i] / fmost) * (g.f[1] - (narrow ? (value.exact ? 44 : 34) : 52));
      node.append(rect(g.f[0], y(k) - 6, Math.max(fw, 0.6), 12, "fill"));
      node.append(label(g.f[0] + fw + 6, y(k) + 4, percent(now.final[i], narrow ? 0 : 1), `${cls} number`));
    }
    return node;
  });
  drawing.append(...nodes);
  if (more > 0) {
    const rest = now.rows.slice(n).reduce((total, i) => total + now.p[i], 0);
    drawing.append(label(narrow ? g.p[0] : 36 * s, foot + (narrow ? 20 : 36), t("more", { n: more, share: share(rest) }), "ax"));
  }
  if (keep < size && keep < n) {
    const cy = top + keep * rh;
    drawing.append(line(0, cy, g.f[0] + g.f[1], cy, "cutline"));
    const x = g.f[0] + (narrow ? 6 : 8);
    const many = size - keep;
    drawing.append(label(x, cy + 18, t(greedily ? "cut_greedy" : "cut"), "strong halo"));
    const what = greedily ? said("cut_rest", { n: many }) : said(many === 1 ? "cut_one" : "cut_many", { n: many, share: share(now.cut) });
    drawing.append(label(x, cy + 35, what, "halo"));
  }

  // The running sum: what may be rolled lies end to end, the likeliest first, and the random number is a pin on it.
  const ly = (v) => top + v * (foot - top);
  const lw = narrow ? 18 : 24;
  shown.forEach((i, k) => {
    const at_ = now.place[i];
    if (!at_) return;
    const [y1, y2] = at_.map(ly);
    const middle = (y1 + y2) / 2;
    const half = g.c[0] + g.c[1] / 2;
    const cls = i === now.chosen ? "chosen" : "";
      drawing.append(svg("path", { d: `M${g.c[0]} ${y(k)}C${half} ${y(k)} ${half} ${middle} ${g.l - 4} ${middle}`, class: `link ${cls}`, "data-of": i }));
    drawing.append(svg("rect", { x: g.l, y: y1 + 0.5, width: lw, height: Math.max(y2 - y1 - 1, 0.5), class: `segment ${cls}`, "data-of": i }));
    if (y2 - y1 > 14) {
      const name = i === value.boundary && narrow ? "." : short(show(i), 3);
      drawing.append(label(g.l + lw / 2, middle + 4, name, `m inside ${cls}`, "middle", [...name].length > 1 ? { style: "font-size:10px" } : {}));
    }
  });
  const beyond = shown.reduce((total, i) => total - (now.place[i] ? now.final[i] : 0), 1);
  if (beyond > 1e-6 && size > n) drawing.append(rect(g.l, ly(1 - beyond) + 0.5, lw, Math.max(ly(1) - ly(1 - beyond) - 1, 0.5), "segment"));
  const px = g.l + lw;
  const py = step.u === null ? null : ly(step.u);
  for (const v of [0, 0.25, 0.5, 0.75, 1]) {
    if (py !== null && Math.abs(ly(v) - py) <= (v > step.u && !narrow ? 46 : 16)) continue;
    drawing.append(line(px, ly(v), px + 4, ly(v), "axis"), label(px + 9, ly(v) + 4, v, "ax"));
  }
  if (py !== null) {
    drawing.append(svg("path", { d: `M${g.l} ${py}H${px + 10}`, class: "pin" }), svg("circle", { cx: px + 14, cy: py, r: 4, class: "pinhead" }));
    drawing.append(label(px + (narrow ? 20 : 24), py + 4, step.u.toFixed(narrow ? 2 : 3), "strong"));
    if (!narrow) t("random").split("|").forEach((text, i) => drawing.append(label(px + 24, py + 20 + 15 * i, text, "ax")));
  }
  replace(flow, drawing, "data-i");
  walk(nodes, along(nodes, "ArrowUp", "ArrowDown"), (node) => trigger("force", { token: Number(node.dataset.i) }), Math.max(0, shown.indexOf(now.chosen)));
  light(focus !== null && shown.includes(focus) ? focus : null);
  figure.dataset.t = rules.T;
}

// One row, its link and its segment, in all columns.
function light(i) {
  focus = i;
  for (const node of flow.querySelectorAll(".on")) node.classList.remove("on");
  if (i !== null) for (const node of flow.querySelectorAll(`[data-i="${i}"], [data-of="${i}"]`)) node.classList.add("on");
  words();
}

// --- words -------------------------------------------------------------------------------------------------

function words() {
  if (!now) return;
  const { step, own, final, hit, p } = now;
  if (focus !== null) {
    element.querySelector(".say").textContent = t("row", {
      letter: show(focus), z: minus(now.z[focus].toFixed(2)), p: share(p[focus]), final: share(final[focus]),
      place: now.place[focus] ? t("between", { from: now.place[focus][0].toFixed(3), to: now.place[focus][1].toFixed(3) }) : t("not_rolled"),
    });
  } else {
    const about = { letter: show(now.chosen), own: share(own[now.chosen]), final: share(final[now.chosen]), seed: value.seed, row: value.row + 1 };
    const other = hit !== null && hit !== step.id && !moved();
    say(hit === null ? said(step.forced ? "chose" : "given", about)
      : said(other ? "elsewhere" : "lands", { ...about, u: step.u.toFixed(3), stands: show(step.id) }));
  }
  depths();
}

// Whether the sliders have moved since Python rolled: then the letter under the pin is the one that is about to come.
const moved = () => ["T", "k", "p", "m"].some((name) => rules[name] !== value.rules[name]);

function depths() {
  const [table, sums] = ["table", "sum"].map((name) => element.querySelector(`[data-depth="${name}"]`));
  if (table.open) {
    fillTable(
      [t("letter"), t("logit"), "÷ T", value.exact ? "p" : "p, %", value.exact ? t("final") : `${t("final")}, %`, t("sum")],
      now.shown.map((i) => [show(i), minus(now.z[i].toFixed(4)), rules.T === 0 ? t("greedy") : minus((now.z[i] / rules.T).toFixed(4)),
        value.exact ? now.p[i].toFixed(4) : (100 * now.p[i]).toFixed(2), value.exact ? now.final[i].toFixed(4) : (100 * now.final[i]).toFixed(2),
        now.place[i] ? `${now.place[i][0].toFixed(4)} – ${now.place[i][1].toFixed(4)}` : t("cut_word")]),
    );
  }
  if (sums.open) sums.querySelector("pre").textContent = sum(focus ?? now.chosen).join("\n");
}

// The sum of one letter with its numbers. Where exp would leave the range of numbers, the top is subtracted first.
function sum(i) {
  const { z, p, kept, final, place, keep, size, step } = now;
  const letter = show(i);
  if (rules.T === 0) return [t("sum_greedy", { letter: show(now.rows[0]), z: minus(z[now.rows[0]].toFixed(3)) })];
  const biggest = Math.max(...z) / rules.T;
  const shift = Math.abs(biggest) > 50 ? Math.max(...z) : 0;
  const e = z.map((x) => Math.exp((x - shift) / rules.T));
  const total = e.reduce((a, b) => a + b, 0);
  const top = shift ? `(${minus(z[i].toFixed(3))} − ${minus(shift.toFixed(3))})` : minus(z[i].toFixed(3));
  const number = (x) => (x >= 1e-3 && x < 1e5 ? x.toPrecision(5) : x.toExponential(3));
  const lines = [
    `p(${letter}) = exp(z / T) / Σ exp(z / T)`,
    `     = exp(${top} / ${rules.T.toFixed(2)}) / ${number(total)}`,
    `     = ${number(e[i])} / ${number(total)} = ${p[i].toFixed(4)}`,
  ];
  if (keep < size) {
    const left = now.rows.slice(0, keep).reduce((a, j) => a + p[j], 0);
    lines.push(kept[i] > -Infinity
      ? said("sum_final", { letter, keep, left: left.toFixed(4), p: p[i].toFixed(4), final: final[i].toFixed(4) })
      : said("sum_cut", { letter, keep }));
  }
  if (place[i]) {
    const [from, to] = place[i];
    lines.push(t("sum_place", { letter, from: from.toFixed(4), to: to.toFixed(4) }));
    if (step.u !== null) lines.push(t(step.u >= from && step.u < to ? "sum_in" : "sum_out", { u: step.u.toFixed(4) }));
  }
  return lines;
}

// --- events ------------------------------------------------------------------------------------------------

const tokenAt = (node) => {
  const found = node.closest?.("[data-i], [data-of]");
  return found ? Number(found.dataset.i ?? found.dataset.of) : null;
};
// A pointer that rests while rows are drawn anew beneath it has not chosen one of them: only its moves count.
flow.addEventListener("pointermove", (event) => tokenAt(event.target) !== focus && light(tokenAt(event.target)));
flow.addEventListener("pointerleave", () => light(null));
flow.addEventListener("focusin", (event) => light(tokenAt(event.target)));
flow.addEventListener("focusout", () => light(null));
flow.addEventListener("click", (event) => {
  if (event.target.dataset.of) trigger("force", { token: tokenAt(event.target) });
});

// A slider moved: drawn from the logits at hand, and told to Python once it rests.
figure.tell = (moving) => {
  if (!value || Object.values(moving).some((x) => !Number.isFinite(x))) return;
  const same = rules && ["T", "k", "p", "m"].every((name) => rules[name] === moving[name]);
  rules = moving;
  if (same) return;
  draw();
  clearTimeout(settling);
  settling = setTimeout(() => {
    settling = 0;
    trigger("settled", {});
  }, REST);
};

const follow = (event) => {
  if (!element.isConnected) document.removeEventListener("lmlab-sample-at", follow);
  else if (value && event.detail.at < value.steps.length) {
    at = event.detail.at;
    focus = null;
    draw();
  }
};
document.addEventListener("lmlab-sample-at", follow);

function receive() {
  const came = unpack();
  if (!came) return;
  value = came;
  at = value.at;
  // A slider that still moves is ahead of what Python knows.
  if (!settling || !moved()) {
    rules = { ...value.rules };
    clearTimeout(settling);
    settling = 0;
  }
  showSources(value.code || []);
  flow.setAttribute("aria-label", t("columns"));
  focus = null;
  draw();
  light(null); // what has come is told first, whatever row the keyboard stands on
  figure.dataset.seq = value.seq;
}
for (const details of element.querySelectorAll("details")) details.addEventListener("toggle", () => now && depths());
watch("value", receive);
new ResizeObserver(draw).observe(flow);
receive();

// The likeliest branches ahead: thickness and number are a branch's probability; a leaf shows the product along its path.
const figure = element.querySelector(".tree");
const box = element.querySelector(".branches");
let value = null;

const show = (node) => (node.id === value.boundary ? t("end") : short(node.symbol, 6));
const spelled = (node) => node.ids.map((id, i) => (id === value.boundary ? ` ${t("end")}` : chain(node)[i].symbol)).join("");
const percent = (p) => (100 * p < 0.005 ? "<0.01" : (100 * p).toFixed(100 * p < 1 ? 2 : 1));
let parents = new Map();

function chain(node) {
  const path = [];
  for (let at = node; at && at.ids.length; at = parents.get(at)) path.unshift(at);
  return path;
}

function leaves(node) {
  return node.children.length ? node.children.flatMap(leaves) : [node];
}

function draw() {
  if (!value || !box.clientWidth) return;
  const w = box.clientWidth;
  const narrow = w < 640;
  const ends = leaves(value.root);
  const rh = 20;
  const top = 8;
  const height = top + ends.length * rh + 8;
  const x = narrow ? [10, 80, 160, w - 118] : [24, 0.24 * w, 0.48 * w, 0.72 * w];
  parents = new Map();
  const place = new Map(ends.map((leaf, k) => [leaf, top + (k + 0.5) * rh]));
  const all = [];
  const settle = (node, depth) => {
    node.children.forEach((child) => {
      parents.set(child, node);
      settle(child, depth + 1);
    });
    if (node.children.length) place.set(node, node.children.reduce((sum, child) => sum + place.get(child), 0) / node.children.length);
    all.push([node, depth]);
  };
  settle(value.root, 0);
  const best = ends.reduce((a, b) => (b.path > a.path ? b : a));
  const lit = new Set([...chain(best)]);
  const drawing = svg("svg", { width: w, height, viewBox: `0 0 ${w} ${height}` });
  const nodes = [];
  for (const [node, depth] of all) {
    const y = place.get(node);
    for (const child of node.children) {
      const to = place.get(child);
      const [x0, x1] = [x[depth] + (narrow ? 12 : depth ? 72 : 12), x[depth + 1] - (narrow ? 10 : 14)];
      const half = (x0 + x1) / 2;
      drawing.append(svg("path", { d: `M${x0} ${y}C${half} ${y} ${half} ${to} ${x1} ${to}`, class: `branch${lit.has(child) ? " best" : ""}`, "stroke-width": Math.max(0.75, 9 * child.p) }));
    }
    if (!depth) {
      drawing.append(svg("circle", { cx: x[0], cy: y, r: 4, class: "root" }));
      continue;
    }
    const group = svg("g", {
      role: "button", class: `node${lit.has(node) ? " best" : ""}`, "data-path": node.ids.join("-"),
      "aria-label": t("node_said", { path: spelled(node), p: percent(node.p), path_p: percent(node.path) }),
    });
    const leaf = !node.children.length;
    const wide = leaf ? w - x[depth] + 10 : narrow ? 40 : 84;
    group.append(rect(x[depth] - 10, y - rh / 2, wide, rh, "hit"));
    group.append(label(x[depth], y + 4, show(node), "glyph", "middle", node.id === value.boundary ? { style: "font-size:11px" } : {}));
    if (!narrow || !leaf) group.append(label(x[depth] + (narrow ? 0 : 16), y + (narrow ? 18 : 4), `${percent(node.p)} %`, "ax", narrow ? "middle" : "start"));
    if (leaf) {
      const text = `${short(spelled(node), 14)}  ${percent(node.path)} %`;
      group.append(label(x[depth] + (narrow ? 18 : 84), y + 4, text, "leaf"));
    }
    nodes.push(group);
    group.node = node;
  }
  // In the order of the tree, so that the arrows and the eye go the same way.
  nodes.sort((a, b) => a.node.ids.length - b.node.ids.length || place.get(a.node) - place.get(b.node));
  drawing.append(...nodes);
  replace(box, drawing, "data-path");
  const of = (node) => nodes.find((group) => group.node === node);
  walk(nodes, (key, group) => {
    const { node } = group;
    const level = nodes.filter((other) => other.node.ids.length === node.ids.length);
    const i = level.indexOf(group);
    return { ArrowUp: level[i - 1], ArrowDown: level[i + 1], ArrowLeft: of(parents.get(node)), ArrowRight: of(node.children[0]) }[key];
  }, (group) => trigger("go", { ids: group.node.ids }));
  fillTable([t("path"), t("path_p"), t("sum")], ends.map((leaf) => [spelled(leaf), percent(leaf.path),
    chain(leaf).map((node) => node.p.toFixed(4)).join(" × ")]));
}

function receive() {
  value = unpack();
  figure.hidden = !value || !value.root;
  if (figure.hidden) return;
  figure.querySelector("h3").textContent = value.title;
  figure.querySelector(".look").textContent = value.look;
  box.setAttribute("aria-label", value.title);
  element.querySelector('[data-depth="sum"] pre').textContent = (value.sum || []).join("\n");
  showSources(value.code || []);
  say(value.said);
  draw();
  figure.dataset.state = "drawn";
  figure.dataset.seq = value.seq;
}
watch("value", receive);
new ResizeObserver(draw).observe(box);
receive();

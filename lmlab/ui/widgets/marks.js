// What the drawings of sampling share: SVG elements, a row of things that the arrow keys walk along, the depths.
function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}
function line(x1, y1, x2, y2, cls) {
  return svg("line", { x1, y1, x2, y2, class: cls });
}
function rect(x, y, width, height, cls) {
  return svg("rect", { x, y, width: Math.max(width, 0), height: Math.max(height, 0), class: cls });
}
function label(x, y, text, cls = "", anchor = "start", more = {}) {
  return svg("text", { x, y, class: cls, "text-anchor": anchor, ...more }, String(text));
}
function minus(text) {
  return String(text).replace("-", "−");
}
function short(text, most = 9) {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}

// One of the nodes is in the tab order, the arrows move on to the others, Enter or Space does what a click does.
function walk(nodes, keys, act, first = 0) {
  nodes.forEach((node, i) => {
    node.setAttribute("tabindex", i === first ? 0 : -1);
    node.addEventListener("click", () => act(node));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        act(node);
        return;
      }
      const to = keys(event.key, node);
      if (!to) return;
      event.preventDefault();
      nodes.forEach((other) => other.setAttribute("tabindex", other === to ? 0 : -1));
      to.focus();
    });
  });
}

function along(nodes, back, on) {
  return (key, node) => {
    const i = nodes.indexOf(node);
    return { [back]: nodes[i - 1], [on]: nodes[i + 1], Home: nodes[0], End: nodes[nodes.length - 1] }[key];
  };
}

// Draw anew and keep the focus where it was; `key` names the attribute that tells the nodes apart.
function replace(box, drawing, key) {
  const held = box.contains(document.activeElement) ? document.activeElement.getAttribute(key) : null;
  box.replaceChildren(drawing);
  if (held !== null) box.querySelector(`[${key}="${CSS.escape(held)}"]`)?.focus();
}

function fillTable(columns, rows) {
  const cells = (tag, row) => make("tr", {}, ...row.map((value) => make(tag, {}, value === null ? "" : value)));
  element.querySelector("table").replaceChildren(cells("th", columns), ...rows.map((row) => cells("td", row)));
}

function showSources(sources) {
  element.querySelector(".sources").replaceChildren(...sources.map(({ where, text }) => make("div", {},
    make("p", { class: "where" }, where), make("pre", { class: "code", tabindex: 0 }, text))));
}

// What is read out: once things are at rest, not at every move of a slider.
function say(text) {
  const [shown, read] = [element.querySelector(".say"), element.querySelector("footer .sr")];
  shown.textContent = text;
  clearTimeout(read.waiting);
  read.waiting = setTimeout(() => { read.textContent = text; }, 600);
}

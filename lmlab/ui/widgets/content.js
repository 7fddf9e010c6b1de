// Draws trees of plain data (JSON text) as elements: [tag, {attributes}, ...children], a child being a tree or a text.
// Text goes through createTextNode and only the tags and attributes below exist, so what people typed can
// never become HTML. An attribute "do" makes the element a button: a click sends its value to Python.
const SVG = "http://www.w3.org/2000/svg";
const TAGS = new Set("a b button dd details div dl dt h1 h2 h3 li mark nav ol p section small span summary table tbody td th thead tr ul".split(" "));
const ATTRIBUTES = new Set("class title do aria-label aria-current aria-pressed aria-live data-seq data-state data-kind open role colspan style".split(" "));
const root = element.querySelector(".content");

function make(tree) {
  if (tree === null || tree === undefined) return document.createTextNode("");
  if (!Array.isArray(tree)) return document.createTextNode(String(tree));
  const [tag, attributes, ...children] = tree;
  if (!TAGS.has(tag)) return document.createTextNode("");
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (!ATTRIBUTES.has(name) || value === null || value === false) continue;
    if (name === "style" && !/^(--)?[a-z-]+: ?[\d.]+(%|px)$/.test(value)) continue;
    if (name === "do") {
      node.addEventListener("click", () => trigger("act", { do: value }));
      if (tag === "button") node.type = "button";
      node.dataset.do = value;
    } else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) node.append(make(child));
  return node;
}

function show() {
  const held = document.activeElement && root.contains(document.activeElement) ? document.activeElement.dataset.do : null;
  root.replaceChildren(...JSON.parse(props.value || "[]").map(make));
  if (held) root.querySelector(`[data-do="${CSS.escape(held)}"]`)?.focus();
}
watch("value", show);
show();

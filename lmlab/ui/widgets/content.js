// Draws trees of plain data (JSON text) as elements: [tag, {attributes}, ...children], a child being a tree or a text.
// Text goes through createTextNode and only the tags and attributes below exist, so what people typed can
// never become HTML. An attribute "do" makes the element a button: a click sends its value to Python. The tag "term"
// is a word that explains itself when it is tapped: its attribute "means" opens beside it.
const TAGS = new Set("a b button code dd details div dl dt em h1 h2 h3 img li mark nav ol p pre section small span sub summary sup table tbody td th thead tr ul".split(" "));
const ATTRIBUTES = new Set("class title do aria-label aria-current aria-pressed aria-live data-seq data-state data-kind data-veil open role colspan style alt src href download".split(" "));
const root = element.querySelector(".content");

function grow(tree) {
  if (tree === null || tree === undefined) return document.createTextNode("");
  if (!Array.isArray(tree)) return document.createTextNode(String(tree));
  const [tag, attributes, ...children] = tree;
  if (tag === "term") return term(children.join(""), String(attributes.means || ""));
  if (!TAGS.has(tag)) return document.createTextNode("");
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (!ATTRIBUTES.has(name) || value === null || value === false) continue;
    if (name === "style" && !/^(--)?[a-z-]+: ?[\d.]+(%|px)$/.test(value)) continue;
    // addresses of our own server only: a link or picture of elsewhere cannot come in
    if ((name === "href" || name === "src") && !/^lmlab\/[\w./-]+$/.test(value)) continue;
    if (name === "do") {
      node.addEventListener("click", () => trigger("act", { do: value }));
      if (tag === "button") node.type = "button";
      node.dataset.do = value;
    } else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) node.append(grow(child));
  return node;
}

let terms = 0;
function term(word, means) {
  const id = `term-${Math.random().toString(36).slice(2, 8)}-${terms++}`;
  const box = make("span", { id, popover: "auto", class: "meaning", role: "note" }, means);
  const button = make("button", { type: "button", class: "term", popovertarget: id, "aria-haspopup": "true" }, word);
  box.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const at = button.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${at.bottom + 6 + box.offsetHeight > window.innerHeight ? at.top - box.offsetHeight - 6 : at.bottom + 6}px`;
  });
  return make("span", {}, button, box);
}

function show() {
  const held = document.activeElement && root.contains(document.activeElement) ? document.activeElement.dataset.do : null;
  const opened = new Map([...root.querySelectorAll("details > summary")].map((summary) => [summary.textContent, summary.parentNode.open]));
  root.replaceChildren(...JSON.parse(props.value || "[]").map(grow));
  for (const summary of root.querySelectorAll("details > summary")) {
    summary.parentNode.open = opened.get(summary.textContent) ?? summary.parentNode.open; // as the reader left it
  }
  if (held) root.querySelector(`[data-do="${CSS.escape(held)}"]`)?.focus();
}
watch("value", show);
show();

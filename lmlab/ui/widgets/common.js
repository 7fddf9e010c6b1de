// What every widget's script begins with. Gradio gives each script `element`, `props`, `trigger` and `watch`; Python puts
// the widget's `strings` in front.
const unpack = () => (props.value ? JSON.parse(props.value) : null);

// A string of the catalogue with its values put in: t("cut", { n: 3 }).
function t(name, values = {}) {
  return (strings[name] ?? name).replace(/\{(\w+)\}/g, (all, key) => (key in values ? String(values[key]) : all));
}

// A number as the sentences from Python group it, in every language: 23,909.
const grouped = (n) => n.toLocaleString("en-US");

// An element with text or children; text never becomes HTML.
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

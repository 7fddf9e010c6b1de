// The steps of one example, one at a time: formula, numbers, table. Every line comes from Python.
// value, as JSON text = {seq, title, look, steps: [{key, name, title, text, lines, table, after, sum, code}], renew}
const box = element.querySelector(".walk");
const part = (name) => box.querySelector(`[data-part="${name}"]`);
const [stops, body, count, renew] = [".stops", ".step", ".count", ".renew"].map((selector) => box.querySelector(selector));
const [sum, code] = ["sum", "code"].map((name) => box.querySelector(`[data-depth="${name}"]`));
const buttons = Object.fromEntries([...box.querySelectorAll("[data-go]")].map((node) => [node.dataset.go, node]));
let value = null;
let at = 0;

function draw() {
  const steps = value.steps;
  part("title").textContent = value.title;
  part("look").textContent = value.look;
  renew.hidden = !value.renew;
  box.classList.toggle("empty", !steps.length);
  for (const node of [stops, body, buttons[-1].parentElement, sum.parentElement]) node.hidden = !steps.length;
  const panel = element.closest(".inside");
  if (!steps.length) {
    if (panel) delete panel.dataset.stage;
    return;
  }
  at = Math.min(at, steps.length - 1);
  const step = steps[at];
  if (stops.childElementCount !== steps.length) {
    stops.replaceChildren(...steps.map((one, i) => make("li", {}, make("button", { type: "button", on: { click: () => go(i) } }, `${i + 1} ${one.name}`))));
  }
  [...stops.children].forEach((item, i) => item.firstChild.setAttribute("aria-current", i === at ? "step" : "false"));
  body.replaceChildren(
    make("h4", {}, step.title),
    make("p", { class: "text" }, step.text),
    make("div", { class: "formula" }, ...step.lines.map((line) => make("p", {}, line))),
    ...(step.table ? [tableOf(step.table)] : []),
    ...step.after.map((line) => make("p", { class: "after" }, line)),
  );
  count.textContent = t("step", { n: at + 1, of: steps.length });
  buttons[-1].disabled = at === 0;
  buttons[1].disabled = at === steps.length - 1;
  sum.hidden = !step.sum.length;
  sum.querySelector("pre").textContent = step.sum.join("\n");
  code.hidden = !step.code;
  code.querySelector(".where").textContent = step.code ? step.code.where : "";
  code.querySelector("pre").textContent = step.code ? step.code.text : "";
  box.dataset.step = at + 1;
  box.dataset.key = step.key;
  if (panel) panel.dataset.stage = step.key; // the network above marks the part that this step is about
}

function tableOf(table) {
  const head = make("tr", {}, ...table.columns.map((name) => make("th", {}, name)));
  const rows = table.rows.map((row, i) => make("tr", { class: i === table.marked ? "now" : null }, ...row.map((cell) => make("td", { class: "num" }, cell))));
  return make("table", { class: "table" }, make("thead", {}, head), make("tbody", {}, ...rows));
}

function go(step) {
  if (!value || step < 0 || step >= value.steps.length) return;
  at = step;
  draw();
}

box.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined || event.target.closest("pre")) return;
  event.preventDefault();
  const held = event.target.closest(".stops");
  go(at + step);
  if (held) stops.children[at].firstChild.focus({ preventScroll: true });
});
for (const step of [-1, 1]) {
  buttons[step].addEventListener("click", () => {
    go(at + step);
    if (buttons[step].disabled) buttons[-step].focus(); // a disabled button would lose the keyboard's place
  });
  buttons[step].textContent = t(step < 0 ? "back" : "next");
}
renew.textContent = t("renew");
renew.addEventListener("click", () => trigger("renew", {}));
sum.firstElementChild.textContent = t("sum");
code.firstElementChild.textContent = t("code");

function show() {
  const next = unpack();
  if (!next) return;
  value = next;
  draw();
  box.dataset.seq = value.seq;
}
watch("value", show);
show();

// The model bench. value, as JSON text = {seq, said, about, you: {name, loss, kind, detail, few} or null, rows: [{id, name,
//   loss, kind, detail, other, live, pinned, pressed, made_from, veils, actions: ["pin", …]}]}, all of it text to be shown.
// Events: "act" {do: "choose:id"} or {do, run, name}; "duplicate" {run}; "export" {run}.
const box = element.querySelector("details");
const list = element.querySelector("ul");
const said = element.querySelector(".said");
const says = element.querySelector(".sr");
const most = Number(box.dataset.most);
let asked = null; // {run, what: "rename" or "delete"}: the question that stands open under a model
let input = null; // the field of a new name: it outlives a redrawing, with what was typed
let spoken = null; // number of the value whose sentence was read out

element.querySelector(".title").textContent = t("title");
element.querySelector(".unit").textContent = t("unit");
box.open = matchMedia("(min-width: 1081px)").matches; // on one column it begins closed
const toggle = () => { element.querySelector(".toggle").textContent = t(box.open ? "hide" : "show"); };
box.addEventListener("toggle", toggle);
toggle();

const word = (name, row, go) =>
  make("button", { type: "button", class: "word", "data-do": `${name}:${row.id}`, on: { click: go } }, t(name));

function act(name, row) {
  if (name === "rename" || name === "delete") return ask(name, row);
  if (name === "duplicate" || name === "export") return send(name, { run: row.id });
  return send("act", { do: name, run: row.id });
}

// Gradio looks for the names of events in this text.
function send(event, data) {
  if (event === "duplicate") trigger("duplicate", data);
  else if (event === "export") trigger("export", data);
  else trigger("act", data);
}

function ask(what, row) {
  asked = { run: row.id, what };
  input = what === "rename" ? field(row) : null;
  show();
  (input ?? list.querySelector("[data-do^='no:']"))?.focus();
  input?.select();
}

function close(row) {
  const back = asked && `${asked.what}:${row.id}`;
  asked = input = null;
  show();
  list.querySelector(`[data-do="${CSS.escape(back)}"]`)?.focus();
}

function field(row) {
  const node = make("input", { type: "text", maxlength: most, "aria-label": t("name"), "data-do": `name:${row.id}`, autocomplete: "off" });
  node.value = row.name;
  return node;
}

function rename(row) {
  const name = input.value.trim();
  if (!name) { tell(t("empty", { most })); input.focus(); return; }
  asked = input = null;
  show();
  list.querySelector(`[data-do="${CSS.escape(`choose:${row.id}`)}"]`)?.focus();
  send("act", { do: "rename", run: row.id, name });
}

// After a model has gone, the next one has the focus.
function remove(row) {
  asked = null;
  const here = list.querySelector(`[data-do="${CSS.escape(`choose:${row.id}`)}"]`).closest("li");
  (here.nextElementSibling ?? here.previousElementSibling)?.querySelector("button")?.focus();
  send("act", { do: "delete", run: row.id });
}

function actions(row) {
  if (asked?.run === row.id && asked.what === "rename") {
    const form = make("form", { class: "ask" }, input,
      make("button", { type: "submit", class: "word", "data-do": `save:${row.id}` }, t("save")), word("cancel", row, () => close(row)));
    form.addEventListener("submit", (event) => { event.preventDefault(); rename(row); });
    return form;
  }
  if (asked?.run === row.id && asked.what === "delete")
    return make("div", { class: "ask" }, make("span", {}, t("delete_asked", { name: row.name })),
      word("yes", row, () => remove(row)), word("no", row, () => close(row)));
  return make("div", { class: "actions", role: "group", "aria-label": t("actions", { name: row.name }) },
    ...row.actions.map((name) => word(name, row, () => act(name, row))));
}

function item(row, value) {
  const button = make("button", {
    type: "button", class: "choose", "data-do": `choose:${row.id}`, "aria-pressed": row.pressed ? "true" : "false",
    on: { click: () => { asked = input = null; trigger("act", { do: `choose:${row.id}` }); } },
  }, make("span", { class: "row" }, make("span", {}, row.name), make("span", { class: "num" }, asksAbout(row.veils) ? "?" : row.loss)),
  make("span", { class: "kind" }, row.kind), make("span", { class: "diff" }, row.detail));
  const node = make("li", { class: [row.other && "other", row.live && "live", row.pinned && "pinned"].filter(Boolean).join(" ") || null }, button);
  if (row.pressed && row.made_from) node.append(make("p", { class: "diff" }, row.made_from));
  if (row.pressed && row.actions.length) node.append(actions(row));
  if (value.said && value.about === row.id && asked?.run !== row.id) node.append(make("p", { class: "said" }, value.said));
  return node;
}

function you(row) {
  return make("li", { class: row.few ? "you few" : "you" },
    make("span", { class: "row" }, make("span", {}, row.name), make("span", { class: "num" }, row.loss)),
    make("span", { class: "kind" }, row.kind), make("span", { class: "diff" }, row.detail));
}

function tell(sentence) {
  says.textContent = sentence;
  said.textContent = sentence;
}

function show() {
  const value = unpack();
  if (!value) return;
  if (asked && !value.rows.some((row) => row.id === asked.run && row.pressed)) asked = input = null;
  const active = document.activeElement;
  const held = active && list.contains(active) ? active.dataset.do : null;
  const caret = active === input && input ? [input.selectionStart, input.selectionEnd] : null;
  list.replaceChildren(...value.rows.map((row) => item(row, value)), ...(value.you ? [you(value.you)] : []));
  if (held) {
    // what was pinned can be unpinned, and the other way round
    const turned = held.startsWith("unpin:") ? held.replace("unpin", "pin") : held.replace(/^pin:/, "unpin:");
    const run = held.slice(held.indexOf(":") + 1);
    const next = [held, turned, `choose:${run}`].map((name) => list.querySelector(`[data-do="${CSS.escape(name)}"]`)).find(Boolean);
    next?.focus();
    if (caret && next === input) input.setSelectionRange(...caret);
  }
  const here = value.about && value.rows.some((row) => row.id === value.about);
  said.textContent = value.said && !here ? value.said : "";
  if (value.said && spoken !== value.seq) says.textContent = value.said;
  spoken = value.seq;
  box.dataset.seq = value.seq;
}
watch("value", show);
show();

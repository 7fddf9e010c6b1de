// The words at the right of the title bar, and the drawers they open: the glossary, a link to hand out, the student's work.
// One drawer at a time; Esc closes it and the focus goes back. What people typed is written as text only.
// value, as JSON text = {seq, kind: "link", …offer} | {seq, kind: "work", title, where, told, levels: [[title, [entry]]],
//   scores, models} | {seq, kind: "file", name, text} | {seq, kind: "forgotten"}
const LARGEST_FILE = 3000000; // bytes
const box = element.querySelector(".bar-words");
const drawers = Object.fromEntries([...box.querySelectorAll(".drawer")].map((node) => [node.id.replace("drawer-", ""), node]));
const opener = (name) => box.querySelector(`[data-drawer="${name}"]`);
let open = null;
let back = null; // what had the focus before

function show(name) {
  const held = document.activeElement;
  if (held === document.body || held?.dataset.drawer) back = opener(name);
  else if (!open) back = held;
  hide(false);
  open = name;
  opener(name).setAttribute("aria-expanded", "true");
  drawers[name].hidden = false;
  place();
  drawers[name].querySelector("h2").focus({ preventScroll: true });
  if (name === "link") trigger("show_link", {});
  if (name === "work") trigger("show_work", {});
}

function hide(refocus = true) {
  if (!open) return;
  opener(open).setAttribute("aria-expanded", "false");
  drawers[open].hidden = true;
  open = null;
  if (!refocus) return;
  (back?.isConnected ? back : box.querySelector("[data-drawer]")).focus({ preventScroll: true });
  back = null;
}

// The drawer stands below the title bar, or at the top of the window where the bar is out of sight.
function place() {
  if (!open) return;
  const bar = document.querySelector(".bar").getBoundingClientRect();
  const top = Math.max(8, bar.bottom);
  drawers[open].style.top = `${top}px`;
  drawers[open].style.left = `${Math.max(0, bar.left)}px`;
  drawers[open].style.width = `${Math.min(bar.width, window.innerWidth)}px`;
  drawers[open].style.maxHeight = `calc(100dvh - ${top}px - var(--ruler) - 8px)`;
}

for (const [name] of Object.entries(drawers)) opener(name).addEventListener("click", () => (open === name ? hide() : show(name)));
for (const close of box.querySelectorAll("[data-close]")) close.addEventListener("click", () => hide());

// --- the glossary ------------------------------------------------------------------------------------------
const find = drawers.words.querySelector("input");
find.addEventListener("input", () => {
  const wanted = find.value.trim().toLocaleLowerCase();
  let found = 0;
  for (const row of drawers.words.querySelectorAll("dl > div")) {
    row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
    found += !row.hidden;
  }
  drawers.words.querySelector(".none").hidden = found > 0;
});

// --- a link --------------------------------------------------------------------------------------------------
const press = (words, handler, more = {}) => make("button", { type: "button", class: "secondary", ...more, on: { click: handler } }, words);
const field = (words, control) => make("label", { class: "field" }, make("span", {}, words), control);

function drawLink(offer) {
  const address = make("input", { type: "text", readonly: true, id: "link-text", "aria-label": t("link_label") });
  const told = make("p", { class: "say", role: "status" });
  const keep = make("input", { type: "checkbox", id: "link-keep", checked: true });
  const what = make("span", { class: "faint", id: "link-settings" });
  const preset = make("select", { id: "link-preset" }, make("option", { value: "" }, t("no_preset")),
    ...offer.presets.map(({ name, title }) => make("option", { value: name }, title)));
  const kinds = ["shown", "hide", "lock"];
  const rows = offer.controls.map(({ name, label }) => make("tr", {}, make("th", { scope: "row" }, label),
    ...kinds.map((kind) => make("td", {}, make("label", {},
      make("input", { type: "radio", name: `link-${name}`, value: kind, checked: kind === "shown", "data-control": name }), t(kind))))));
  const table = make("table", { class: "table choices" }, make("caption", {}, t("controls")), ...rows);
  const settings = () => offer.settings[preset.value] || [];
  const write = () => {
    const query = new URLSearchParams({ level: offer.level });
    if (offer.corpus && keep.checked) query.set("corpus", offer.corpus);
    if (preset.value) query.set("preset", preset.value);
    if (keep.checked) for (const { name, text } of settings()) query.append("set", `${name}:${text}`);
    for (const kind of ["hide", "lock"]) {
      const names = [...table.querySelectorAll(`input[value=${kind}]:checked`)].map((input) => input.dataset.control);
      if (names.length) query.set(kind, names.join(","));
    }
    const page = new URL(location.href);
    // Colons and commas may stand in a query as they are, and the link stays readable.
    page.search = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
    page.hash = "";
    address.value = page.href;
    const parts = settings().map(({ label, said }) => `${label} ${said}`);
    if (offer.corpus) parts.unshift(offer.corpus.replaceAll("_", " "));
    what.textContent = parts.join(", ") || t("as_it_opens");
    told.textContent = "";
  };
  const copy = press(t("copy"), async () => {
    address.focus();
    address.select();
    let done = false;
    try {
      await navigator.clipboard.writeText(address.value);
      done = true;
    } catch { /* not allowed, or no https: the older way may still work */
      try { done = document.execCommand("copy"); } catch { /* then the text is selected, and a key copies it */ }
    }
    told.textContent = t(done ? "copied" : "press");
  }, { id: "link-copy" });
  drawers.link.querySelector(".filled").replaceChildren(
    make("p", { class: "look" }, t("link_lead", { level: offer.title })),
    ...(offer.own ? [make("p", { class: "look" }, t("own_corpus"))] : []),
    ...(rows.length ? [make("label", { class: "tick" }, keep, make("span", {}, t("keep_settings"), ": ", what))] : []),
    ...(offer.presets.length ? [field(t("preset"), preset)] : []),
    rows.length ? table : make("p", { class: "look" }, t("no_controls")),
    make("div", { class: "send" }, address, copy),
    told,
  );
  for (const input of [keep, preset, ...table.querySelectorAll("input")]) input.addEventListener("change", write);
  write();
}

// --- the student's work ----------------------------------------------------------------------------------------
function drawWork(work) {
  const told = make("p", { class: "say", role: "status", id: "work-told" }, work.told || "");
  const file = make("input", { type: "file", accept: ".json,application/json", class: "sr", id: "work-file" });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = "";
    if (!chosen) return;
    if (chosen.size > LARGEST_FILE) {
      told.textContent = t("too_large", { size: grouped(chosen.size), most: grouped(LARGEST_FILE) });
      return;
    }
    try {
      trigger("load_work", { text: await chosen.text() });
    } catch {
      told.textContent = t("unreadable");
    }
  });
  const sure = make("div", { class: "sure", role: "group", hidden: true }, make("p", {}, t("forget_sure")),
    make("div", { class: "act" }, press(t("forget_yes"), () => trigger("forget_me", {}), { id: "work-forget-yes" }),
      press(t("forget_no"), () => { sure.hidden = true; forget.focus(); })));
  const forget = make("button", { type: "button", class: "link", id: "work-forget", on: { click: () => {
    sure.hidden = !sure.hidden;
    if (!sure.hidden) sure.querySelector("button").focus();
  } } }, t("forget"));
  drawers.work.querySelector(".filled").replaceChildren(
    make("p", { class: "look" }, work.where),
    make("div", { class: "act" }, press(t("save"), () => trigger("save_work", {}), { id: "work-save" }),
      make("label", { class: "secondary button", for: "work-file" }, t("load"), file), forget),
    told, sure,
    ...work.scores.map((score) => make("p", { class: "score" }, score)),
    ...(work.levels.length ? work.levels.map(drawEntries) : [make("p", { class: "faint" }, t("nothing_yet"))]),
    ...(work.models.length ? [make("section", {}, make("h3", {}, t("models")), make("ul", {}, ...work.models.map((model) => make("li", {}, model))))] : []),
  );
  box.dataset.work = work.seq;
}

function drawEntries([title, entries]) {
  const time = (at) => make("time", { datetime: at, class: "faint" }, new Date(at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }));
  return make("section", {}, make("h3", {}, title), make("ol", {}, ...entries.map((entry) => make("li", { class: "entry" },
    make("p", { class: "asked" }, entry.asked, " ", time(entry.at)),
    make("dl", {}, ...[["guess", entry.guess ?? t("skipped")], ["truth", entry.truth], ["why", entry.why || t("not_yet")]]
      .filter(([, text]) => text !== null).map(([name, text]) => make("div", {}, make("dt", {}, t(name)), make("dd", {}, text))))))));
}

function download({ name, text }) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// Nothing of the visitor stays in the browser, other tabs begin anew, too, and so does this page.
function forgotten() {
  const names = ["lmlab", "lmlab-work", "lmlab-scheme", "lmlab-unit"];
  try {
    for (const name of names) localStorage.removeItem(name);
    sessionStorage.setItem("lmlab-forgotten", "yes");
  } catch { /* what may not be stored was not stored */ }
  window.lmlabTabs?.postMessage({ forgotten: true }); // the frame's channel: this page is not told
  location.reload();
}

// --- the page begins ---------------------------------------------------------------------------------------------
box.querySelector("#scheme").addEventListener("click", () => {
  const dark = document.body.classList.toggle("dark");
  try { localStorage.setItem("lmlab-scheme", dark ? "dark" : "light"); } catch { /* then it is not remembered */ }
});
for (const link of box.querySelectorAll("a[hreflang]")) {
  const point = () => {
    const query = new URLSearchParams(location.search);
    query.set("lang", link.hreflang);
    link.href = `?${query}`;
  };
  for (const event of ["pointerdown", "focus", "click"]) link.addEventListener(event, point);
}
const wiring = new AbortController();
window.lmlabBar?.abort(); // a second start of this script takes the place of the first
window.lmlabBar = wiring;
const options = { signal: wiring.signal };
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !open || event.defaultPrevented) return;
  event.preventDefault();
  hide();
}, options);
window.addEventListener("resize", place, options);
window.addEventListener("scroll", place, { ...options, passive: true });

watch("value", () => {
  const value = unpack();
  if (!value) return;
  if (value.kind === "link") drawLink(value);
  else if (value.kind === "work") drawWork(value);
  else if (value.kind === "file") download(value);
  else if (value.kind === "forgotten") forgotten();
  box.dataset.seq = value.seq;
});

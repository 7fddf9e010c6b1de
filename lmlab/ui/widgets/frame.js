// The page's own script: the rail (which level is here, which are done), keys, history, what a link hides and locks, and
// word from other tabs of this browser.
// value, as JSON text = any part of {language, ready, done, hide, lock, key, digest}
const box = element.querySelector(".frame");
const live = element.querySelector("[data-live]");
// The levels, as [name, title], stand in the page itself: the first word of the server may be there before this script.
const state = { levels: JSON.parse(box.dataset.levels), language: "en", done: [], hide: [], lock: [], key: "", digest: "" };
Object.assign(state, unpack());
const button = (level) => document.getElementById(`tab-${level}-button`);
const title = (level) => (state.levels.find(([name]) => name === level) || [level, level])[1];
const shown = () => (state.levels.find(([name]) => button(name)?.getAttribute("aria-selected") === "true") || [""])[0];
const asked = () => {
  const level = new URLSearchParams(location.search).get("level");
  return state.levels.some(([name]) => name === level) ? level : state.levels[0][0];
};
document.documentElement.lang = state.language;

// The tab whose storage is forbidden still works; it only remembers nothing.
const remembered = (store, name) => { try { return window[store].getItem(name); } catch { return null; } };
const remember = (store, name, value) => { try { window[store].setItem(name, value); } catch { /* as above */ } };

// --- the level that is here --------------------------------------------------------------------------------
let here = "";
function arrive() {
  const level = shown();
  if (!level || level === here) return;
  const first = !here;
  here = level;
  document.title = t("title", { level: title(level) });
  if (first) return;
  document.body.classList.remove("arriving");
  live.textContent = t("at", { level: title(level) });
  if (level !== asked()) history.pushState(null, "", addressOf(level));
  const rail = document.getElementById("rail").getBoundingClientRect().top;
  if (rail < 0) window.scrollTo({ top: window.scrollY + rail - 16, behavior: "instant" });
}

// The page's address with another level. What a link says of one level is not taken for another's.
function addressOf(level) {
  const query = new URLSearchParams(location.search);
  const linked = ["preset", "set", "hide", "lock"].some((name) => query.has(name));
  if (linked && !query.has("about")) query.set("about", asked());
  query.set("level", level);
  return `?${query}`;
}

const go = (level) => { if (level && level !== shown()) button(level)?.click(); };

function mark() {
  for (const [level, name] of state.levels) {
    const stop = button(level);
    if (!stop) continue;
    const done = state.done.includes(level);
    stop.toggleAttribute("data-done", done);
    if (done) stop.setAttribute("aria-label", t("done", { level: name }));
    else stop.removeAttribute("aria-label");
  }
}

// --- keys --------------------------------------------------------------------------------------------------
const FIELDS = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=range], [type=button])";
function key(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.(FIELDS)) return;
  const number = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
  if (number && number <= state.levels.length) {
    const level = state.levels[number - 1][0];
    go(level);
    button(level)?.focus({ preventScroll: true });
  } else if (event.key === "?") document.getElementById("bar-words")?.click();
  else if (/^Arrow(Left|Right)$/.test(event.key) && event.target.matches?.("#rail [role=tab]")) {
    const stops = state.levels.map(([name]) => button(name)).filter(Boolean);
    const next = stops.indexOf(event.target) + (event.key === "ArrowRight" ? 1 : -1);
    stops[(next + stops.length) % stops.length].focus();
  } else return;
  event.preventDefault();
}

// --- what a link hides and locks -----------------------------------------------------------------------------
// Levels are put into the page when they are first looked at: what is hidden is hidden by a rule, what is locked is
// made inert whenever it appears.
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
const locked = new MutationObserver(lock);
function lock() {
  for (const id of state.lock) {
    const control = document.getElementById(id);
    if (!control || control.inert) continue;
    control.inert = true;
    control.dataset.locked = t("locked");
  }
}
function limit() {
  sheet.replaceSync(state.hide.map((id) => `#${CSS.escape(id)} { display: none !important; }`).join("\n"));
  locked.disconnect();
  if (state.lock.length) locked.observe(document.body, { childList: true, subtree: true });
  lock();
}

// --- other tabs of this browser --------------------------------------------------------------------------------
// Each tab says whose it is and what it knows of the student's work. One that knows something else asks the server; one
// that is another visitor's (two were opened at once, or somebody pressed "Forget me") begins anew, once.
window.lmlabTabs?.close();
const tabs = window.lmlabTabs = new BroadcastChannel("lmlab");
const say = () => { if (state.key) tabs.postMessage({ key: state.key, digest: state.digest }); };
tabs.onmessage = ({ data }) => {
  if (!state.key) return;
  if (data.forgotten) {
    // Nothing may be written for the forgotten visitor. The tab that forgot says when there is a new one.
    document.body.inert = true;
    setTimeout(restart, 10000);
  } else if (data.key !== state.key) restart();
  else if (data.digest !== state.digest) trigger("sync", {});
};
// A browser that keeps nothing makes every page a new visitor: without the pause two tabs would restart each other forever.
function restart() {
  const now = Date.now();
  if (now - Number(remembered("sessionStorage", "lmlab-restart") || 0) < 10000) return;
  remember("sessionStorage", "lmlab-restart", String(now));
  if (remembered("sessionStorage", "lmlab-restart")) location.reload();
}

// --- the page begins ---------------------------------------------------------------------------------------------
const wiring = new AbortController();
window.lmlabFrame?.abort(); // a second start of this script takes the place of the first
window.lmlabFrame = wiring;
const options = { signal: wiring.signal };
document.addEventListener("keydown", key, options);
window.addEventListener("popstate", () => go(asked()), options);
element.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  const head = document.querySelector(`#tab-${CSS.escape(shown())} h1`);
  if (!head) return;
  head.tabIndex = -1;
  head.focus();
});
if (remembered("sessionStorage", "lmlab-forgotten")) {
  const told = element.querySelector(".told");
  told.hidden = false;
  told.textContent = t("forgotten");
  remember("sessionStorage", "lmlab-forgotten", "");
}
const chosen = remembered("localStorage", "lmlab-scheme");
if (chosen && !new URLSearchParams(location.search).has("__theme")) document.body.classList.toggle("dark", chosen === "dark");
document.body.classList.toggle("arriving", asked() !== state.levels[0][0]);
const watcher = new MutationObserver(() => { arrive(); mark(); });
function begin() {
  const found = document.getElementById("rail");
  if (!found) return requestAnimationFrame(begin);
  watcher.observe(found.querySelector(".tab-wrapper") || found, { subtree: true, childList: true, attributeFilter: ["aria-selected"] });
  arrive();
  mark();
}
begin();

function hear() {
  const before = state.key + state.digest;
  Object.assign(state, unpack());
  mark();
  if (state.ready) {
    limit();
    arrive();
    if (shown() === asked()) document.body.classList.remove("arriving");
  }
  box.dataset.seq = state.seq;
  box.dataset.state = state.ready ? "ready" : "waiting";
  box.dataset.key = state.key;
  if (state.key + state.digest !== before) setTimeout(say, 100); // the browser's store is written by then
}
watch("value", hear);
if (state.ready) hear();

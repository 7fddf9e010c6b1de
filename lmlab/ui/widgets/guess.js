// The board of the guessing game. It draws what the server says and places chips; what the hidden letter is, it learns
// only with the answer to a locked bet.
// value, as JSON text = {seq, token, mode, letters, keys, models, reference, chips, wrong, played: [{key, chips, order,
//   mine, theirs, p}], over, just, steps: {open, told}, total}
const POUR_AFTER = 400, POUR_EVERY = 90; // ms that a key is held down until chips pour, and between two of them
const ANSWER = 5000; // ms until a move that got no answer may be made again
const NARROW = 620, KEY = 30; // px: below that the buttons stand under the keys; the least width of a key

// Where the keyboard writes or chooses something else; a radio button needs no letters.
const FIELDS = "input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable], [role=listbox], dialog, [popover]";

const game = element.querySelector(".game");
const part = (name) => game.querySelector(name);
const steps = part(".steps"), act = part(".moves"), nameBox = part(".name"), keysBox = part(".keys"), ladder = part(".ladder ul");
const said = part(".said");
let value = null; // as the server said it
let told = false; // the letter before the open one is still looked at, with the models' bars
let bet = []; // chips on each key
let order = []; // keys in the order the chips were placed: the last one is taken back first
let early = null; // a move that was made before there was a name
let waiting = 0; // when the last move was sent; 0: none is under way
let model = 0; // whose bars are drawn
let place = { over: null, locked: null }; // a letter of the name that is looked at: hovered, or tapped
let keys = []; // the parts of each key on the page
let drawnKeys = "";

const left = () => value.chips - order.length;
const shown = () => place.over ?? place.locked ?? (told ? value.played.length - 1 : null);
const number = (n) => (value.mode === "bets" ? n.toFixed(1) : n ? String(n) : "–");
const percent = (p) => (100 * p < 0.1 ? "<0.1" : (100 * p).toFixed(100 * p < 10 ? 1 : 0));
const plural = (name, n, more = {}) => t(`${name}.${n === 1 ? "one" : "other"}`, { n, ...more });

// ---------- moves ----------

function send(move) {
  if (!value.token) { early = move; return; } // the page was quicker than the server: the move waits for its name
  if (waiting && Date.now() - waiting < ANSWER) return;
  waiting = Date.now();
  game.dataset.busy = "yes";
  trigger("play", { token: value.token, position: value.played.length, ...move });
}

// On to the open letter: what is looked at now stays on the page, in the name.
function goOn() {
  told = false;
  place = { over: null, locked: null };
  bet = value.keys.map(() => 0);
  order = [];
}

function press(key) {
  if (!value || value.over || waiting) return;
  if (told || place.locked !== null) goOn();
  if (value.mode === "letters") {
    if (!value.wrong.includes(key)) send({ do: "guess", key });
    draw();
    return;
  }
  if (left() > 0) {
    bet[key] += 1;
    order.push(key);
  }
  draw();
}

function takeBack(key = order[order.length - 1]) {
  const at = order.lastIndexOf(key);
  if (at < 0 || told || waiting) return;
  order.splice(at, 1);
  bet[key] -= 1;
  draw();
}

// The chips that are left go where chips lie already, in the same proportions; rests to the largest fractions.
function fill() {
  const placed = order.length, rest = left();
  const want = bet.map((n) => (rest * n) / placed);
  const more = want.map(Math.floor);
  const by = want.map((n, key) => [n - more[key], bet[key], -key, key]).sort((a, b) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2]);
  for (let i = 0, missing = rest - more.reduce((a, b) => a + b, 0); i < missing; i++) more[by[i][3]] += 1;
  more.forEach((n, key) => { for (let i = 0; i < n; i++) order.push(key); bet[key] += n; });
  draw();
}

// What Enter and the filled button do.
function primary() {
  if (!value || waiting) return;
  if (value.over) send({ do: game.dataset.offer === "bets" ? "bets" : "again" });
  else if (told) { goOn(); draw(); }
  else if (value.mode === "bets" && left() === 0) send({ do: "lock", chips: bet });
  else if (value.mode === "bets" && order.length) fill();
}

// ---------- drawing ----------

const buttons = {};
function button(name, cls, does) {
  buttons[name] = make("button", { type: "button", class: cls, "data-do": name, on: { click: does } });
  return buttons[name];
}
act.append(
  button("primary", "primary lg", primary),
  make("span", { class: "left" }),
  button("skip", "link", () => { if (!told) send({ do: "skip" }); }),
  button("other", "link", () => send({ do: "again" })),
);
part(".over span").append(
  button("take", "link", () => takeBack()),
  button("clear", "link", () => { if (!told) { goOn(); draw(); } }),
);
for (const name of ["take", "clear", "skip"]) buttons[name].textContent = t(name);
buttons.other.textContent = t("again");

function drawSteps() {
  const now = told ? 3 : 1;
  const texts = told ? value.steps.told : value.steps.open;
  steps.className = `steps at-${now}`;
  steps.replaceChildren(...texts.map((text, i) => make("li", {
    class: i + 1 === now ? "now" : i + 1 < now ? "done" : "later", "aria-current": i + 1 === now ? "step" : null,
  }, make("h2", {}, make("span", { class: "n" }, i + 1 < now ? "✓" : i + 1), t(`step_${i + 1}`)), make("p", { class: i + 1 === now ? "ask" : "" }, text))));
  part(".total").textContent = value.total;
  // The buttons stand in the step that is on; where all is one column, under the keys, so that a thumb finds them.
  if (game.dataset.narrow === "yes" || value.over) part(".total").after(act);
  else steps.querySelector(".now").append(act);
}

function drawAct() {
  const bets = value.mode === "bets", open = !told && !value.over;
  game.dataset.offer = value.over && !bets ? "bets" : "again";
  buttons.primary.hidden = open && !bets;
  buttons.primary.textContent = value.over ? t(bets ? "again" : "bets") : told ? t("next")
    : left() === 0 ? t("lock") : order.length ? t("fill", { n: left() }) : t("place");
  buttons.primary.disabled = open && bets && !order.length;
  part(".left").hidden = !(open && bets);
  part(".left").textContent = left() ? plural("left", left()) : t("none_left", { n: value.chips });
  for (const name of ["take", "clear"]) buttons[name].hidden = !(open && bets && order.length);
  buttons.skip.hidden = !open;
  buttons.other.hidden = value.over && bets;
}

// The name as far as it is known, with what each letter cost; then the open box. Behind it stands nothing, because
// how long the name is must stay hidden, too.
function drawName() {
  const at = shown();
  const top = Math.max(value.mode === "bets" ? 6 : 8, ...value.played.flatMap((each) => [each.mine, each.theirs[model]]));
  const letters = value.played.map((each, i) => {
    const bar = (cls, n) => make("i", { class: cls, style: `height:${(100 * n) / top}%` });
    const label = t("position", { key: value.keys[each.key], mine: number(each.mine), model: value.models[model], theirs: number(each.theirs[model]) });
    return make("button", {
      type: "button", class: "letter", "aria-pressed": String(place.locked === i), "aria-label": label, title: label,
      "data-at": i, "data-shown": i === at ? "yes" : null,
      on: {
        click: () => look({ locked: place.locked === i ? null : i }), pointerenter: (event) => { if (event.pointerType === "mouse") look({ over: i }); },
        pointerleave: (event) => { if (event.pointerType === "mouse") look({ over: null }); },
      },
    }, make("span", { class: "cost" }, number(each.mine)), make("span", { class: "bars" }, bar("mine", each.mine), bar("theirs", each.theirs[model])),
    make("span", { class: each.key === value.keys.length - 1 ? "sign last" : "sign" }, value.keys[each.key]));
  });
  const focus = document.activeElement?.closest?.(".letter")?.dataset.at;
  nameBox.replaceChildren(make("span", { class: "start" }, make("span", { class: "sign" }, ".")), ...letters);
  if (!value.over) {
    nameBox.append(make("span", { class: "open", "aria-label": t("unknown") }, make("span", { class: "sign" }, "?")), make("span", { class: "more" }, make("span", { class: "sign" }, "…")));
  }
  if (focus !== undefined) nameBox.querySelector(`[data-at="${focus}"]`)?.focus();
  part(".strip .unit").textContent = t(value.played.length ? `strip_${value.mode}` : "strip_start", { model: value.models[model] });
}

function look(change) {
  place = { ...place, ...change };
  const at = shown();
  const each = at === null ? null : value.played[at];
  if (each && "locked" in change) said.textContent = t("position", { key: value.keys[each.key], mine: number(each.mine), model: value.models[model], theirs: number(each.theirs[model]) });
  for (const node of nameBox.querySelectorAll(".letter")) {
    node.toggleAttribute("data-shown", Number(node.dataset.at) === at);
    node.setAttribute("aria-pressed", String(Number(node.dataset.at) === place.locked));
  }
  drawLadder();
  drawKeys();
}

// Who paid how much for the letter that is looked at. A model's line draws its bars.
function drawLadder() {
  const at = shown(), each = at === null ? null : value.played[at];
  const rows = [[t("you"), each ? each.mine : null, null], ...value.models.map((name, i) => [name, each ? each.theirs[i] : null, i])];
  const top = each ? Math.max(...rows.map((row) => row[1]), 1) : 1;
  part(".ladder .unit").textContent = each ? t(`ladder_${value.mode}`, { key: value.keys[each.key] }) : t(`ladder_open_${value.mode}`);
  const focus = ladder.contains(document.activeElement) ? document.activeElement.dataset.model : null;
  ladder.replaceChildren(...rows.map(([name, n, i]) => {
    const inside = [make("span", { class: "who" }, name), make("span", { class: "track" }, n === null ? "" : make("i", { style: `width:${(100 * n) / top}%` })),
      make("span", { class: "num" }, n === null ? "?" : value.mode === "bets" ? n.toFixed(2) : number(n))];
    if (i === null) return make("li", { class: "you" }, make("span", { class: "row" }, ...inside));
    return make("li", { class: i === model ? "chosen" : "" }, make("button", {
      type: "button", class: "row", "aria-pressed": String(i === model), "data-model": i,
      on: { click: () => { model = i; draw(); } },
    }, ...inside));
  }));
  if (focus !== null) ladder.querySelector(`[data-model="${focus}"]`)?.focus();
}

function makeKeys() {
  drawnKeys = value.keys.join("\n");
  keys = value.keys.map((sign, i) => {
    const node = {
      model: make("i", { class: "p" }), stack: make("span", { class: "stack" }), count: make("span", { class: "count" }),
      minus: make("button", { type: "button", class: "minus", "aria-label": t("minus", { key: sign }), tabindex: "-1", on: { click: () => takeBack(i) } }, "−"),
    };
    node.key = make("button", { type: "button", class: "key", "data-key": i },
      make("span", { class: "well" }, node.model, node.stack, node.count), make("span", { class: "sign" }, sign));
    node.box = make("div", { class: "slot" }, node.key, node.minus);
    pours(node.key, i);
    return node;
  });
  keysBox.replaceChildren(...keys.map((node) => node.box));
}

// A click places a chip, with shift it takes one back; held down, chips pour.
function pours(node, i) {
  let timer = null, poured = false;
  const stop = () => { clearTimeout(timer); timer = null; };
  node.addEventListener("pointerdown", (event) => {
    poured = false;
    if (event.button !== 0 || event.shiftKey || !value || value.mode !== "bets") return;
    const pour = () => { poured = true; press(i); timer = setTimeout(pour, POUR_EVERY); };
    timer = setTimeout(pour, POUR_AFTER);
  });
  for (const event of ["pointerup", "pointerleave", "pointercancel"]) node.addEventListener(event, stop);
  node.addEventListener("contextmenu", (event) => { if (poured) event.preventDefault(); });
  node.addEventListener("click", (event) => {
    stop();
    if (poured) { poured = false; return; }
    if (event.shiftKey && value.mode === "bets") takeBack(i);
    else press(i);
  });
  node.addEventListener("keydown", (event) => {
    if (!["Delete", "-"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    takeBack(i);
  });
}

function drawKeys() {
  if (drawnKeys !== value.keys.join("\n")) makeKeys();
  const at = shown(), each = at === null ? null : value.played[at], bets = value.mode === "bets";
  const chips = each ? each.chips : bets ? bet : [], tried = each ? each.order : value.wrong;
  const p = each ? each.p[model] : null;
  // The axis ends at a quarter of all chips, at half or at all of them: as high as the highest stack or bar needs.
  const highest = Math.max(0, ...chips.map((n) => n / value.chips), ...(p || []));
  const top = [0.25, 0.5, 1].find((end) => highest <= end) || 1;
  part(".axis.top").textContent = `${100 * top} %`;
  part(".axis.half").textContent = `${50 * top} %`;
  keys.forEach((node, i) => {
    const n = chips[i] || 0, guess = tried.indexOf(i) + 1, right = each && each.key === i;
    node.box.className = `slot${right ? " right" : ""}${guess && !right ? " wrong" : ""}${n ? " has" : ""}`;
    node.stack.style.height = `${(100 * n) / value.chips / top}%`;
    if (node.stack.childElementCount !== n) node.stack.replaceChildren(...Array.from({ length: n }, () => make("i")));
    node.count.textContent = n || (guess ? guess : "");
    node.count.style.bottom = `min(${(100 * n) / value.chips / top}%, 100% - 20px)`; // over a full column stands the caption
    node.model.style.height = p ? `${Math.min(100, (100 * p[i]) / top)}%` : "0";
    node.minus.hidden = !(bets && !each && n);
    node.key.disabled = false;
    const name = value.keys[i];
    node.key.setAttribute("aria-label", p
      ? t(bets ? "key_told" : guess ? "key_tried" : "key_untried", { key: name, n: bets ? n : guess, model: value.models[model], p: percent(p[i]) })
      : guess ? t("key_wrong", { key: name }) : n ? plural("key_chips", n, { key: name }) : t("key", { key: name }));
    node.key.setAttribute("aria-disabled", String(Boolean(!each && (guess || value.over))));
  });
  game.dataset.bars = p ? "yes" : "no";
  part(".board .unit").textContent = p ? t(`keys_told_${value.mode}`, { model: value.models[model], full: 100 * top }) : t(`keys_${value.mode}`, { full: 100 * top });
  const touch = window.matchMedia("(pointer: coarse)").matches;
  part(".hint").textContent = touch ? (bets ? t("hint_touch_bets") : "") : t(`hint_${value.mode}`);
}

function fit() {
  if (!value || !game.clientWidth) return;
  const columns = Math.max(1, Math.floor((game.clientWidth - 8) / KEY)) >= value.keys.length ? value.keys.length
    : Math.ceil(value.keys.length / Math.ceil(value.keys.length / Math.max(5, Math.floor(game.clientWidth / 46))));
  keysBox.style.setProperty("--columns", String(columns));
  game.dataset.rows = columns === value.keys.length ? "one" : "many";
  const narrow = game.clientWidth < NARROW ? "yes" : "no";
  const turned = game.dataset.narrow !== undefined && game.dataset.narrow !== narrow;
  game.dataset.narrow = narrow;
  return turned;
}

function draw() {
  if (!value) return;
  const focused = game.contains(document.activeElement);
  fit();
  drawSteps();
  drawAct();
  drawName();
  drawLadder();
  drawKeys();
  game.dataset.seq = value.seq;
  game.dataset.state = !value.token ? "waiting" : value.over ? "over" : told ? "told" : "open";
  game.dataset.mode = value.mode;
  game.dataset.position = value.played.length;
  game.dataset.left = value.mode === "bets" ? left() : "";
  // A button that has gone must not take the keyboard with it.
  if (focused && (!game.contains(document.activeElement) || document.activeElement.hidden)) (buttons.primary.hidden || buttons.primary.disabled ? keys[0].key : buttons.primary).focus();
}

function show() {
  const next = unpack();
  if (!next || (value && value.seq === next.seq)) return;
  const dealt = value && !value.token && next.mode === value.mode; // chips that lie there already stay
  const same = value && (dealt || value.token === next.token) && value.played.length === next.played.length;
  const known = new Set((value || next).models);
  const chosen = value ? value.models[model] : next.models[next.reference];
  value = next;
  waiting = 0;
  delete game.dataset.busy;
  model = known.has(chosen) && value.models.includes(chosen) ? value.models.indexOf(chosen) : value.reference;
  if (!same || bet.length !== value.keys.length) goOn();
  told = value.just || (value.over && value.played.length > 0);
  draw();
  said.textContent = told ? [...value.steps.told.slice(1), value.total].filter(Boolean).join(" ") : value.wrong.length || !value.played.length ? value.steps.open[0] : "";
  const move = early;
  early = null;
  if (move && dealt && same && bet.length === value.keys.length) send(move);
}

// ---------- the keyboard ----------

// Letters act wherever the keyboard is on this screen, unless it is in a field that needs them. In the question between
// two names the keyboard is the question's: a letter there is no guess at a name, and Enter locks the answer.
function typed(event) {
  if (!value || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !game.isConnected) return;
  if (!game.offsetParent) return; // another level is on the screen
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest("#guess-predict")) {
    if (event.key !== "Enter" || event.repeat || !target.matches("input")) return;
    event.preventDefault();
    document.getElementById("guess-lock")?.click();
    return;
  }
  if (target.closest(FIELDS)) return;
  const onButton = target.closest("button, a, summary");
  if (event.key === "Enter" && !onButton) { event.preventDefault(); primary(); return; }
  // On a key of the board, Enter goes on, too; Space presses the key.
  if (event.key === "Enter" && onButton?.classList.contains("key")) { event.preventDefault(); primary(); return; }
  if (event.key === "Backspace") { event.preventDefault(); takeBack(); return; }
  if (event.key === "Escape") { look({ over: null, locked: null }); return; }
  if (event.key === " " && (onButton || target.closest("input"))) return;
  if (event.repeat && value.mode === "letters") return;
  let key = value.letters.indexOf(event.key);
  if (key < 0) key = value.letters.indexOf(event.key.toLowerCase());
  if (key < 0 && event.key === ".") key = value.keys.length - 1;
  if (key < 0) return;
  event.preventDefault();
  press(key);
}
// A click with the mouse only looks or takes back: the keyboard stays with the game, so that Enter goes on.
for (const looked of [ladder, nameBox, part(".over")]) looked.addEventListener("mousedown", (event) => event.preventDefault());
document.addEventListener("keydown", typed);
watch("value", show);
new ResizeObserver(() => { if (fit()) draw(); }).observe(game);
show();

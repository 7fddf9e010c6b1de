// The counting as it happens: a window of two letters slides over real names, and each pair falls into the table.
// Slowly once, then a hundred at each frame, then all; any click ends it. The tallies are made here from the names that
// were sent; what stands at the end was counted by lmlab.
const SLOW_PAIRS = 10, SLOW_STEP = 560, PER_FRAME = 100, FIRST_NAMES = 6;
let played = 0;
let run = null; // while it counts: {pairs, at, timer}

const counting = () => run !== null;

// The pairs of a name as columns of the table, with where the window stands: [row, column, name, place].
function pairsOf(name) {
  const places = new Map(value.letters.map((letter, i) => [letter, i]));
  const other = value.letters.indexOf(null);
  const ids = [0, ...[...name].map((letter) => places.get(letter) ?? other), 0];
  return ids.slice(1).map((id, i) => [ids[i], id, name, i]);
}

function empty() {
  const counts = value.rows.map(() => value.columns.map(() => 0));
  return { counts, p: counts.map((row) => [...row]), final: false };
}

function add(into, row, column) {
  if (!into.counts[row]) return; // a letter that the table has no row for
  into.counts[row][column] += 1;
  const total = sumOf(into.counts[row]);
  into.p[row] = into.counts[row].map((count) => count / total);
}

// What stands there before the guess: the tallies of a few names.
function sample() {
  if (value.order !== 2) return { counts: value.counts, p: value.p, final: true };
  const some = empty();
  for (const name of value.names.slice(0, FIRST_NAMES)) for (const [row, column] of pairsOf(name)) add(some, row, column);
  return some;
}

function play() {
  stop();
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (still || value.order !== 2 || !value.names.length) return finish();
  run = { pairs: value.names.flatMap(pairsOf), at: 0 };
  now = empty();
  build();
  tallied();
  told();
  document.addEventListener("pointerdown", finish, { once: true, capture: true });
  document.addEventListener("keydown", finishByKey, true);
  run.timer = setTimeout(slow, 200);
}

// One pair: the window moves, its two letters fall onto their cell.
function slow() {
  if (!run) return;
  if (run.at >= Math.min(SLOW_PAIRS, run.pairs.length)) return fast();
  const [row, column, name, at] = run.pairs[run.at];
  strip(name, at);
  const { X, Y, cell, tall } = place;
  const falling = svg("text", { class: "falling", x: X(column) + cell / 2, y: Y(row) + tall / 2 + 4, "text-anchor": "middle" }, value.columns[row] + value.columns[column]);
  plot.querySelector("svg").append(falling);
  const way = `translate(${LEFT + 60 - X(column)}px, ${-20 - Y(row)}px)`;
  falling.animate([{ transform: way, opacity: 1 }, { transform: "none", opacity: 1 }], { duration: SLOW_STEP * 0.6, easing: "ease-in" });
  run.timer = setTimeout(() => {
    if (!run) return;
    falling.remove();
    count(1);
    hovered = [row, column];
    mark();
    run.timer = setTimeout(slow, SLOW_STEP * 0.3);
  }, SLOW_STEP * 0.6);
}

function fast() {
  if (!run) return;
  hovered = null;
  count(PER_FRAME);
  const last = run.pairs[Math.min(run.at, run.pairs.length) - 1];
  strip(last[2], last[3]);
  if (run.at >= run.pairs.length) return finish();
  run.timer = requestAnimationFrame(fast);
}

function count(some) {
  const end = Math.min(run.at + some, run.pairs.length);
  for (; run.at < end; run.at += 1) add(now, run.pairs[run.at][0], run.pairs[run.at][1]);
  const scale = scaleOf();
  place.cells.forEach((line, i) => line.forEach((node, j) => now.counts[i][j] && paint(node, scale, i, j)));
  mark();
  tallied();
}

function strip(name, at) {
  const letters = [".", ...name, "."].map((letter, i) => make("span", { class: i === at || i === at + 1 ? "in" : "" }, letter));
  box.querySelector(".strip").replaceChildren(...letters);
}

const finishByKey = (event) => ["Escape", "Enter", " "].includes(event.key) && finish();

function stop() {
  if (!run) return;
  clearTimeout(run.timer);
  cancelAnimationFrame(run.timer);
  document.removeEventListener("pointerdown", finish, true);
  document.removeEventListener("keydown", finishByKey, true);
  run = null;
}

function finish() {
  stop();
  now = { counts: value.counts, p: value.p, final: true };
  hovered = null;
  build();
  tallied();
  told();
  box.querySelector("[data-part=spoken]").textContent = box.querySelector(".running").textContent;
  trigger("counted", {});
}

// The line above the table, and what the button beside it does now.
function tallied() {
  if (value.tally.play > played) {
    played = value.tally.play;
    return play();
  }
  const waiting = !value.tally.open;
  const pairs = sumOf(now.counts.map(sumOf));
  const line = box.querySelector(".running"), watch = box.querySelector("[data-do=watch]");
  box.dataset.tally = run ? "counting" : waiting ? "waiting" : "done";
  if (run) line.textContent = t("running", { names: grouped(new Set(run.pairs.slice(0, run.at).map((pair) => pair[2])).size), pairs: grouped(run.at) });
  else if (value.order !== 2) line.textContent = t("counted_runs", { n: value.order, names: grouped(value.totals.names) });
  else if (waiting) line.textContent = t("waiting", { names: Math.min(FIRST_NAMES, value.names.length), pairs: grouped(pairs), all: grouped(value.totals.names) });
  else line.textContent = t("counted", { names: grouped(value.totals.names), pairs: grouped(value.totals.pairs) });
  box.querySelector(".strip").hidden = !run;
  watch.hidden = waiting || value.order !== 2 || run !== null;
}

box.querySelector("[data-do=watch]").addEventListener("click", play);
box.finish = finish; // the button of the Run step

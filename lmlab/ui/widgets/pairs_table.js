// The whole table of pairs as a table of words and numbers: made when it is opened, from what is drawn at that moment.
const whole_ = box.querySelector("details.whole");
let filled = null; // what stands in it: the arrays and the view

function cellText(i, j) {
  const p = now.p[i][j];
  if (value.shown === "surprise" && now.final) return p > 0 ? (-Math.log(p)).toFixed(2) : "∞";
  return value.shown === "share" ? (100 * p).toFixed(2) : grouped(now.counts[i][j]);
}

function fillWhole() {
  if (!whole_.open || counting() || (filled && filled.now === now && filled.shown === value.shown)) return;
  filled = { now, shown: value.shown };
  const unit = t({ surprise: "unit_surprise", share: "unit_share" }[value.shown] ?? (value.order === 2 ? "unit_pairs" : "unit_times"));
  const head = make("tr", {}, make("th", { scope: "col" }, t("whole_corner", { unit })),
    ...value.columns.map((_, j) => make("th", { scope: "col", class: "num" }, asColumn(j))));
  const rows = value.rows.map((_, i) => make("tr", {}, make("th", { scope: "row" }, asRow(i)),
    ...value.columns.map((__, j) => make("td", { class: "num" }, cellText(i, j)))));
  whole_.querySelector("table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
}
whole_.addEventListener("toggle", fillWhole);

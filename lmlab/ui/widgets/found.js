// Names that hold the locked pair, the pair marked; while the table is only looked at, those among the names at hand.
// value, as JSON text = {seq, after, next, names: [[name, begin, end]], total}; begin and end count in ".name."
const box = element.querySelector(".found");
let value = null;

function draw(found, line) {
  box.querySelector("h3").textContent = found.title || t("title", { after: found.after, next: found.next });
  box.querySelector(".look").textContent = line;
  box.querySelector("ul").replaceChildren(...found.names.map(([name, begin, end]) => {
    const letters = [".", ...name, "."];
    const part = (from, to) => letters.slice(from, to).join("");
    return make("li", {}, part(0, begin), make("mark", {}, part(begin, end)), part(end));
  }));
}

function still() {
  if (!value) return;
  draw(value, value.names.length ? t("showing", { n: value.names.length, total: grouped(value.total) }) : t("none"));
  box.dataset.seq = value.seq;
  box.dataset.state = "drawn";
}

function show() {
  value = unpack();
  still();
}

document.addEventListener("lmlab:row", ({ detail }) => {
  if (!value) return;
  if (!detail.preview) return still();
  draw(detail, detail.names.length ? t("preview") : t("preview_none"));
  box.dataset.state = "preview";
});
watch("value", show);
show();

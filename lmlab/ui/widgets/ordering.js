// Things to put in order: each row moves with its two buttons, with the arrow keys, or by dragging.
// value, as JSON text = {seq, first, last, answer: [text, …]}; the answer changes in place, Python reads it with the next event.
const box = element.querySelector(".ordering");
let state = null;
let dragged = null;

function move(from, to, focus = true) {
  if (to < 0 || to >= state.answer.length || from === to) return;
  const [item] = state.answer.splice(from, 1);
  state.answer.splice(to, 0, item);
  props.value = JSON.stringify(state);
  draw();
  if (focus) box.querySelectorAll("li")[to].focus();
  box.querySelector(".said").textContent = t("moved", { item, place: to + 1, of: state.answer.length });
  trigger("input", {});
}

function draw() {
  box.querySelector(".first").textContent = state.first;
  box.querySelector(".last").textContent = state.last;
  box.querySelector("ol").replaceChildren(...state.answer.map((item, i) => {
    const button = (name, sign, to) => make("button", {
      type: "button", "aria-label": t(name, { item }), disabled: to < 0 || to >= state.answer.length, on: { click: () => move(i, to) },
    }, sign);
    const row = make("li", { tabindex: 0, "aria-label": t("row", { item, place: i + 1, of: state.answer.length }) },
      make("span", { class: "n" }, i + 1), make("span", { class: "item" }, item), button("up", "↑", i - 1), button("down", "↓", i + 1));
    row.addEventListener("keydown", (event) => {
      if (event.target !== row || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      move(i, i + (event.key === "ArrowUp" ? -1 : 1));
    });
    row.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button")) return;
      dragged = i;
      box.setPointerCapture(event.pointerId);
    });
    return row;
  }));
  box.dataset.seq = state.seq;
}

box.addEventListener("pointermove", (event) => {
  if (dragged === null || !box.hasPointerCapture(event.pointerId)) return;
  const rows = [...box.querySelectorAll("li")];
  const over = rows.findIndex((row) => event.clientY < row.getBoundingClientRect().bottom);
  const to = over < 0 ? rows.length - 1 : over;
  if (to !== dragged) {
    move(dragged, to, false);
    dragged = to;
  }
});
box.addEventListener("pointerup", () => { dragged = null; });
box.addEventListener("pointercancel", () => { dragged = null; });

function show() {
  const value = unpack();
  if (!value || (state && value.seq === state.seq)) return; // the change was made here
  state = value;
  draw();
}
watch("value", show);
show();

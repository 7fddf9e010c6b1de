// A button that reads a text file and hands its text to Python. value, as JSON text = {label, accept, most}
const value = unpack();
const file = make("input", { type: "file", accept: value.accept, class: "sr", "aria-label": value.label });
file.addEventListener("change", async () => {
  const [chosen] = file.files;
  file.value = ""; // the same file may be chosen again
  if (!chosen) return;
  if (chosen.size > value.most) { trigger("chosen", { problem: "large" }); return; }
  try {
    trigger("chosen", { text: await chosen.text() });
  } catch {
    trigger("chosen", { problem: "unreadable" });
  }
});
element.querySelector(".choose-file").append(make("label", { class: "secondary button" }, value.label, file));

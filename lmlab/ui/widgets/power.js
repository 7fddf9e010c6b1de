// A slider over powers of ten, beside a box that holds the number itself.
// value = the number as JSON; the range input counts in parts of a power of ten.
const slider = element.querySelector("[type=range]");
const PARTS = 20; // of a power of ten

// Two digits are enough: 0.0063, not 0.00630957.
const rounded = (number) => Number(number.toPrecision(2));

function show() {
  const number = Number(unpack());
  if (number > 0 && document.activeElement !== slider) slider.value = Math.round(PARTS * Math.log10(number));
  slider.setAttribute("aria-valuetext", String(number));
}
slider.addEventListener("input", () => {
  const number = rounded(10 ** (slider.value / PARTS));
  slider.setAttribute("aria-valuetext", String(number));
  props.value = JSON.stringify(number);
  trigger("input", {});
});
watch("value", show);
show();

// What an open question on the screen asks about: until it is answered, no other part of the page tells it. The steps of
// the question name it (`data-veil`, words); this looks for them whenever something on the page has changed, and has the
// part that it belongs to (`show`) drawn anew where that makes a difference.
var veil = ""; // `var`: the script before this one draws once before this line

function asksAbout(names) {
  return (names || []).some((name) => (veil || "").split(" ").includes(name));
}

// A list of steps has no box of its own; what is in it has, where it is on the screen.
const onScreen = (node) => [node, ...node.querySelectorAll("*")].some((part) => part.offsetParent);

function look() {
  looking = false;
  const asked = [...document.querySelectorAll("[data-veil]")].filter(onScreen);
  const words = asked.map((node) => node.dataset.veil).join(" ");
  if (words === veil) return;
  veil = words;
  show();
}
let looking = false;
new MutationObserver(() => {
  if (looking) return;
  looking = true;
  requestAnimationFrame(look);
}).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["class", "hidden", "aria-selected"] });
look();

// Keeps a page of live parts usable while they are made anew: what is open stays open, the keyboard
// stays where it was, and nothing moves under a finger that presses.
const kept = new WeakMap();
let isPressing = false;

const groupOf = (element) => element.closest("article, li, section")?.querySelector("h2, h3")?.textContent.trim() ?? "";
const nameOf = (element) => [element.tagName, groupOf(element), element.getAttribute("href") ?? "", element.textContent.trim()].join("|");
const focusable = "a[href], button, summary, input, select, [tabindex]";
const find = (root, selector, name) => [...root.querySelectorAll(selector)].find((one) => nameOf(one) === name);

document.addEventListener("pointerdown", () => { isPressing = true; });
for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => { isPressing = false; });

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  const active = document.activeElement;
  const isInside = part.contains(active) && active !== part;
  if (isPressing) {
    event.detail.shouldSwap = false;
    return;
  }
  kept.set(part, {
    focus: isInside ? nameOf(active) : "",
    open: [...part.querySelectorAll("details[open] > summary")].map(nameOf),
    scrolled: [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft),
  });
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  const part = event.detail.target;
  const before = kept.get(part);
  if (!before) return;
  for (const name of before.open) find(part, "summary", name)?.parentElement.setAttribute("open", "");
  [...part.querySelectorAll(".scroll")].forEach((one, place) => { one.scrollLeft = before.scrolled[place] ?? 0; });
  if (before.focus) find(part, focusable, before.focus)?.focus({ preventScroll: true });
  tell();
});

// The state of the laboratory is read out when it changes, not each time it is looked at.
let said = document.querySelector("[data-lab-word]")?.textContent.trim() ?? "";
const tell = () => {
  const word = document.querySelector("[data-lab-word]")?.textContent.trim() ?? "";
  const place = document.getElementById("lab-said");
  if (place && word !== said) place.textContent = `The laboratory: ${word}`;
  said = word;
};

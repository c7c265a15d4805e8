// Says what the fractions of a mixture sum to while they are typed; the server checks all the same.
const number = (text) => Number.parseFloat(text.trim().replace(",", "."));

const tell = (group) => {
  const place = group.parentElement.querySelector("[data-sum]");
  const inputs = [...group.querySelectorAll("[data-fraction]")];
  if (!place || !inputs.length) return;
  const values = inputs.map((input) => number(input.value));
  const missing = values.filter(Number.isNaN).length;
  const sum = values.reduce((total, value) => total + (Number.isNaN(value) ? 0 : value), 0);
  const off = Math.abs(sum - 1) > 1e-9;
  const rest = missing ? `, ${missing} still empty` : "";
  place.textContent = off || missing
    ? `The fractions sum to ${+sum.toFixed(9)}${rest}; they must sum to 1.`
    : "The fractions sum to 1.";
  place.classList.toggle("off", off && !missing);
};

for (const group of document.querySelectorAll("[data-sum-group]")) {
  group.addEventListener("input", () => tell(group));
}

// A page with forms is not swapped under the hands: it says that something has happened.
for (const banner of document.querySelectorAll("[data-moved]")) {
  document.body.addEventListener("athanor:campaign", () => { banner.hidden = false; });
}

// Small helps that every page has: keys to get about, and one answer to each press of a button.
const GO = { l: "/lab", c: "/campaigns", d: "/doubts", a: "/alarms", n: "/new" };
let isGoing = false;

const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "?") document.getElementById("keys")?.toggleAttribute("hidden");
  else if (isGoing && GO[event.key]) location.assign(GO[event.key]);
  isGoing = event.key === "g";
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Follows the log: tells the page what has moved, and says when what it shows has become old.
const root = document.documentElement;
const STALE_MS = 1000 * Number(root.dataset.staleAfterS || 3);
const TOPICS = new Set(["lab", "campaign", "alarms", "tasks"]);
let lastBeat = performance.now();
let lastTime = new Date();
let pending = new Set();

const say = (text) => {
  for (const place of document.querySelectorAll("[data-stale-text]")) place.textContent = text;
};

const dispatch = () => {
  const topics = pending;
  pending = new Set();
  for (const topic of topics) {
    document.body.dispatchEvent(new CustomEvent(`athanor:${topic}`, { bubbles: true }));
  }
};

const moved = (topics) => {
  if (!pending.size) setTimeout(dispatch, 250);
  for (const topic of topics) if (TOPICS.has(topic)) pending.add(topic);
};

const fresh = () => {
  lastBeat = performance.now();
  lastTime = new Date();
  if (root.hasAttribute("data-stale")) {
    root.removeAttribute("data-stale");
    say("");
    moved(TOPICS);
  }
};

const stale = (why) => {
  const at = lastTime.toLocaleTimeString([], { timeZoneName: "short" });
  root.setAttribute("data-stale", "");
  say(`${why} What you see is from ${at} and may be wrong by now.`);
};

const watch = () => {
  if (root.hasAttribute("data-stale")) return;
  if (performance.now() - lastBeat > STALE_MS) stale("No sign of life from the server.");
};

const listen = () => {
  const after = root.dataset.seenSeq;
  const source = new EventSource(after ? `/stream?after_seq=${after}` : "/stream");
  source.addEventListener("beat", (event) => {
    const facts = JSON.parse(event.data);
    if (facts.trouble) stale(`The log cannot be read: ${facts.trouble}.`);
    else fresh();
  });
  source.addEventListener("log", (event) => {
    const facts = JSON.parse(event.data);
    root.dataset.seenSeq = event.lastEventId;
    moved(facts.topics || [facts.topic]);
  });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    setTimeout(listen, 2000);
  });
};

if (document.querySelector("[data-live]")) {
  listen();
  setInterval(watch, 250);
}

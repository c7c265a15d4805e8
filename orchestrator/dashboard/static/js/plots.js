// Draws <figure data-plot="/plots/..."> with Plotly in the theme's colours; redraws when data moved.
const REDRAW_MS = 2000;
const drawing = new WeakMap();
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const themed = (layout) => {
  const axis = { gridcolor: css("--line"), zerolinecolor: css("--line-strong"), linecolor: css("--line-strong") };
  const whole = {
    ...layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { ...(layout.font || {}), color: css("--text"), family: css("--font") },
    colorway: [css("--plot-1"), css("--plot-2"), css("--plot-3"), css("--plot-4")],
    autosize: true,
  };
  if (!whole.ternary) Object.assign(whole, { xaxis: whole.xaxis || {}, yaxis: whole.yaxis || {} });
  for (const key of Object.keys(whole)) {
    if (/^[xy]axis\d*$/.test(key)) whole[key] = { ...axis, automargin: true, ...whole[key] };
  }
  if (whole.ternary) {
    whole.ternary = { ...whole.ternary, bgcolor: "rgba(0,0,0,0)" };
    for (const side of ["aaxis", "baxis", "caxis"]) whole.ternary[side] = { ...axis, ...(whole.ternary[side] || {}) };
  }
  return whole;
};

const resolved = (value) => {
  if (typeof value === "string" && value.startsWith("var(--")) return css(value.slice(4, -1));
  if (Array.isArray(value)) return value.map(resolved);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner)]));
  }
  return value;
};

const excuse = (canvas, why) => {
  if (canvas.data) window.Plotly.purge(canvas);
  canvas.textContent = `The plot cannot be shown: ${why}.`;
};

const show = async (figure) => {
  const canvas = figure.querySelector(".plot-canvas");
  let answer;
  try {
    answer = await fetch(figure.dataset.plot, { headers: { accept: "application/json" } });
  } catch {
    if (!canvas.data) excuse(canvas, "the server does not answer");
    return;
  }
  if (!answer.ok) {
    excuse(canvas, `the server says ${answer.status}`);
    return;
  }
  const { data, layout } = resolved(await answer.json());
  const options = { displaylogo: false, displayModeBar: false, responsive: true };
  if (!canvas.data) canvas.textContent = "";
  await window.Plotly.react(canvas, data, themed(layout), options);
};

// One drawing of a figure at a time and not too often; what moved meanwhile is drawn once, after it.
const draw = async (figure) => {
  if (drawing.has(figure)) {
    drawing.set(figure, true);
    return;
  }
  drawing.set(figure, false);
  try {
    await show(figure);
  } finally {
    setTimeout(() => {
      const again = drawing.get(figure);
      drawing.delete(figure);
      if (again) draw(figure);
    }, REDRAW_MS);
  }
};

const figures = () => document.querySelectorAll("figure[data-plot]");
const drawAll = () => { for (const figure of figures()) draw(figure); };

if (figures().length) {
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  for (const figure of figures()) {
    if (figure.dataset.live) document.body.addEventListener(`athanor:${figure.dataset.live}`, () => draw(figure));
  }
}

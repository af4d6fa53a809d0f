// One chart: columns by month, drawn as SVG. The table beside it has the values.

const SVG = "http://www.w3.org/2000/svg";
const CHART = { width: 720, height: 200, left: 64, bottom: 22, top: 12 };
const MOST_MONTHS = 25;

function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Return a round number that is not less than a value. */
function roundedUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((factor) => factor * unit).find((each) => each >= value) || value;
}

/** Draw the newest months of `rows` ({month, amount in cents}), which are in order of time. */
function monthChart(rows, label) {
  const shown = rows.filter((row) => row.month).slice(-MOST_MONTHS);
  const most = Math.max(0, ...shown.map((row) => row.amount));
  if (shown.length < 2 || most <= 0) return "";
  const top = roundedUp(most);
  const plot = CHART.height - CHART.bottom - CHART.top;
  const step = (CHART.width - CHART.left) / shown.length;
  const y = (value) => CHART.top + plot * (1 - Math.max(0, value) / top);
  const parts = [];
  for (const value of [0, top / 2, top]) {
    parts.push(svg("line", { x1: CHART.left, x2: CHART.width, y1: y(value), y2: y(value), class: "grid" }));
    const text = svg("text", { x: CHART.left - 6, y: y(value) + 4, "text-anchor": "end" });
    text.textContent = money(value, true);
    parts.push(text);
  }
  const every = Math.ceil(shown.length / 8);
  shown.forEach((row, place) => {
    const x = CHART.left + place * step;
    const column = svg("rect", {
      x: x + step * 0.15, width: step * 0.7, y: y(row.amount), height: CHART.height - CHART.bottom - y(row.amount), class: "column",
    });
    const title = svg("title", {});
    title.textContent = `${monthText(row.month)}: ${money(row.amount)}`;
    column.append(title);
    parts.push(column);
    if ((shown.length - 1 - place) % every === 0) {
      const text = svg("text", { x: x + step / 2, y: CHART.height - 6, "text-anchor": "middle" });
      text.textContent = monthText(row.month);
      parts.push(text);
    }
  });
  const view = `0 0 ${CHART.width} ${CHART.height}`;
  return svg("svg", { viewBox: view, role: "img", "aria-label": `${label} by month; the table has the values`, class: "chart" }, ...parts);
}

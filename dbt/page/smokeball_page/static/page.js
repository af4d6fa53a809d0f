// The page: header with the times of the data, filters, tiles, sections.

const DECISIONS = [
  [trustTile, trustSection],
  [transferTile, transferSection],
  [wipTile, wipSection],
  [overdueTile, debtorsSection],
];
const TRENDS = [
  [lockupTile, lockupSection],
  [cashTile, cashSection],
  [billedTile, billedSection],
  [realizationTile, realizationSection],
  [collectionTile, null],
  [utilizationTile, utilizationSection],
  [pipelineTile, pipelineSection],
];

/** Make a section: its title, the time of its data, texts and tables. */
function section(id, title, streams, parts) {
  const missing = missingStreams(streams);
  const heading = element("h2", {}, title);
  if (missing.length) {
    return element("section", { id }, heading, element("p", { class: "note" }, `Not loaded: ${missing.join(", ")}.`));
  }
  const shown = parts.map((part) => (typeof part === "string" ? element("p", { class: "note" }, part) : part));
  return element("section", { id }, heading, element("p", { class: "as-of" }, asOfText(streams)), shown);
}

function tile({ section: id, label, value, text, before, streams, isAlert }) {
  const missing = missingStreams(streams);
  const figures = missing.length
    ? [element("b", {}, DASH), element("span", {}, `Not loaded: ${missing.join(", ")}`)]
    : [
        element("b", {}, isAlert ? element("span", { class: "alert" }, "! ") : "", value),
        element("span", {}, text),
        (before || []).map((each) => element("small", {}, each)),
      ];
  return element("a", { class: isAlert ? "tile is-alert" : "tile", href: `#${id}`, "data-tile": label }, element("span", { class: "label" }, label), figures);
}

function header() {
  const firms = rowsOf("firm").map((row) => row.name).filter(Boolean);
  const name = firms.join(", ") || SETTINGS.source_relation || "The firm";
  document.title = `${name}: finances on ${dateText(AS_OF)}`;
  const streams = [...FRESHNESS.keys()].sort();
  const times = element(
    "details",
    {},
    element("summary", {}, asOfText(streams)),
    dataTable({
      caption: "Sources",
      file: "sources",
      columns: [
        { key: "stream", label: "Stream", kind: "text" },
        { key: "rows_loaded", label: "Rows", kind: "integer" },
        { key: "state", label: "Last run", kind: "text" },
        { key: "until", label: "Complete until", kind: "text" },
        { key: "newest", label: "Newest row loaded", kind: "text", isMinor: true },
      ],
      rows: streams.map((stream) => FRESHNESS.get(stream)).map((row) => ({
        ...row,
        state: row.last_run_status || "unknown",
        until: timeText(row.complete_until),
        newest: timeText(row.newest_row_loaded_at),
      })),
    }),
  );
  document.getElementById("header").replaceChildren(
    element("h1", {}, name),
    element("p", {}, `Ages and days overdue as of ${dateText(AS_OF)}. Amounts in ${SETTINGS.currency || "an unknown currency"}.`),
    times,
    filters(),
  );
}

function filters() {
  const distinct = (key) => {
    const names = [...ROWS.matters, ...ROWS.hours].map((row) => row[key]).filter(Boolean);
    return [...new Set(names)].sort(TEXT_ORDER.compare);
  };
  const select = (key, label, choices) =>
    element(
      "label",
      {},
      label,
      element(
        "select",
        {
          name: key,
          onchange: (event) => {
            FILTERS[key] = event.target.value;
            draw();
          },
        },
        choices.map(([value, text]) => element("option", { value, selected: value === FILTERS[key] && "" }, text)),
      ),
    );
  const named = (key, all) => [[ANY, all], ...distinct(key).map((name) => [name, name])];
  return element(
    "form",
    { class: "filters", onsubmit: (event) => event.preventDefault() },
    select("area", "Practice area", named("area", "All")),
    select("attorney", "Attorney", named("attorney", "All")),
    select("period", "Period of cash, bills, shares, hours and leads", Object.entries(periods()).map(([key, span]) => [key, periodText(span)])),
    element("p", { class: "note" }, "Attorney: who is responsible for the matter; in utilization, the fee earner."),
  );
}

function periodText(span) {
  return span.before.length ? `${span.label}: ${spanText(span)}` : span.label;
}

function draw() {
  const tiles = (parts) => element("div", { class: "tiles" }, parts.map(([makeTile]) => tile(makeTile())));
  const sections = (parts) => parts.map(([, makeSection]) => makeSection && makeSection());
  document.getElementById("main").replaceChildren(
    element("h2", { class: "group" }, "Needs a decision"),
    tiles(DECISIONS),
    element("h2", { class: "group" }, `How the firm is doing, ${spanText(period())}`),
    tiles(TRENDS),
    ...sections([...DECISIONS, ...TRENDS]).filter(Boolean),
  );
}

header();
draw();
document.getElementById("footer").replaceChildren(
  element(
    "p",
    {},
    `Made ${timeText(DATA.created_at)} from the marts of the dbt package of tap-smokeball, ` +
      `${number(new TextEncoder().encode(document.getElementById("data").textContent).length / 1e6, 1)} MB of data. ` +
      "The file has names of clients: keep it like the files of the firm.",
  ),
);

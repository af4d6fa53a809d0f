// Tables: all rows, in pages, sorted by any column; a figure opens its rows.

const PAGE_SIZES = [15, 50, 250, Infinity];
const LEFT_KINDS = ["text", "date", "month", "boolean"];

/** Compare two values; empty ones come last in either direction. */
function compareValues(one, other, direction) {
  const isEmpty = (value) => value === null || value === undefined || value === "";
  if (isEmpty(one) || isEmpty(other)) return isEmpty(one) - isEmpty(other);
  const order = typeof one === "number" && typeof other === "number" ? one - other : TEXT_ORDER.compare(one, other);
  return order * direction;
}
const TEXT_ORDER = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/**
 * Make a table.
 *
 * columns: [{key, label, kind, isMinor, isInFileOnly, isSummed, detail, note, isNoteMinor}]. detail(row) returns the options of the
 * table of the rows behind a figure, note(row) a text that follows it. Minor columns do not show on a phone or tablet.
 */
function dataTable({ caption, columns: allColumns, rows, sort, file, totals }) {
  const columns = allColumns.filter((column) => !column.isInFileOnly);
  const state = { key: sort ? sort[0] : null, direction: sort ? sort[1] : 1, page: 0, size: PAGE_SIZES[0], search: "" };
  const frame = element("div", { class: "table" });
  const texts = allColumns.filter((column) => column.kind === "text");

  function visibleRows() {
    const wanted = state.search.toLowerCase();
    const found = wanted
      ? rows.filter((row) => texts.some((column) => String(row[column.key] ?? "").toLowerCase().includes(wanted)))
      : rows;
    if (!state.key) return found;
    return [...found].sort((one, other) => compareValues(one[state.key], other[state.key], state.direction));
  }

  function sortBy(column) {
    const first = LEFT_KINDS.includes(column.kind) ? 1 : -1;
    state.direction = state.key === column.key ? -state.direction : first;
    state.key = column.key;
    state.page = 0;
    draw();
    frame.querySelector(`th[data-key="${column.key}"] button`).focus();
  }

  function heading(column) {
    const isSorted = state.key === column.key;
    const order = isSorted ? (state.direction > 0 ? "ascending" : "descending") : "none";
    const arrow = isSorted ? (state.direction > 0 ? "\u00a0↑" : "\u00a0↓") : "";
    const button = element("button", { type: "button", onclick: () => sortBy(column) }, column.label + arrow);
    return element("th", { scope: "col", class: classes(column), "aria-sort": order, "data-key": column.key }, button);
  }

  function draw() {
    const found = visibleRows();
    const pages = Math.max(1, Math.ceil(found.length / state.size));
    state.page = Math.min(state.page, pages - 1);
    const first = state.page * (state.size === Infinity ? 0 : state.size);
    const shown = found.slice(first, first + state.size);
    const body = shown.map((row) => element("tr", {}, columns.map((column) => cell(row, column))));
    const sums = totals === false || !found.length ? [] : totalRow(columns, found, totals);
    const table = element(
      "table",
      { "aria-label": caption },
      element("thead", {}, element("tr", {}, columns.map(heading))),
      element("tbody", {}, body),
      element("tfoot", {}, sums),
    );
    const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Rows of ${caption}` }, table);
    frame.replaceChildren(...toolbar(found), scroll, ...pager(found, first, shown.length, pages));
  }

  function toolbar(found) {
    const search = element("input", {
      type: "search",
      placeholder: "Find in the table",
      "aria-label": `Find in ${caption}`,
      value: state.search,
      oninput: (event) => {
        state.search = event.target.value;
        state.page = 0;
        draw();
        const again = frame.querySelector("input[type=search]");
        again.focus();
        again.setSelectionRange(again.value.length, again.value.length);
      },
    });
    const save = () => saveText(`${file || "rows"}.csv`, csvText(allColumns, visibleRows()));
    const button = element("button", { type: "button", class: "csv", onclick: save }, "CSV");
    button.title = `Save ${counted(found.length, "row")} as a CSV file`;
    return [element("div", { class: "tools" }, element("h3", {}, caption), rows.length > PAGE_SIZES[0] && texts.length ? search : "", button)];
  }

  function pager(found, first, count, pages) {
    if (rows.length <= PAGE_SIZES[0]) return [];
    const move = (step) => () => {
      state.page += step;
      draw();
    };
    const choose = (event) => {
      state.size = Number(event.target.value);
      state.page = 0;
      draw();
    };
    const sizes = PAGE_SIZES.map((size) =>
      element("option", { value: size, selected: size === state.size && "" }, size === Infinity ? "All rows" : `${size} rows`),
    );
    const place = count ? `${number(first + 1)} to ${number(first + count)} of ${counted(found.length, "row")}` : "No rows";
    return [
      element(
        "div",
        { class: "pager" },
        element("span", {}, place),
        element("button", { type: "button", onclick: move(-1), disabled: state.page === 0 && "" }, "Previous"),
        element("button", { type: "button", class: "next", onclick: move(1), disabled: state.page >= pages - 1 && "" }, "Next"),
        element("select", { "aria-label": "Rows per page", onchange: choose }, sizes),
      ),
    ];
  }

  draw();
  return frame;
}

function classes(column) {
  const kind = LEFT_KINDS.includes(column.kind) ? "" : "number";
  const names = [kind, ["date", "month"].includes(column.kind) ? "day" : "", column.isMinor ? "minor" : ""];
  return names.filter(Boolean).join(" ");
}

function cell(row, column) {
  const value = row[column.key];
  const text = cellText(value, column.kind);
  const note = column.note && value !== null ? column.note(row) : "";
  const isZero = value === 0 || value === null || value === undefined || value === "";
  const detail = column.detail && !isZero ? column.detail(row) : null;
  const content = detail ? figure(text, detail) : text;
  return element(
    "td",
    { class: classes(column) },
    content,
    note ? element("small", { class: column.isNoteMinor ? "about" : null }, note) : "",
    column.bar ? bar(column.bar(row)) : "",
  );
}

/** Make a figure that opens its rows. */
function figure(text, detail) {
  return element("button", { type: "button", class: "figure", onclick: () => showRows(detail) }, text);
}

/** Make the row of the totals: sums, or what `totals` computes of the rows. */
function totalRow(columns, rows, totals) {
  if (!totals && !columns.some((column) => column.isSummed)) return [];
  const computed = totals ? totals(rows) : {};
  const cells = columns.map((column, place) => {
    if (place === 0) return element("th", { scope: "row", class: classes(column) }, rows.length > PAGE_SIZES[0] ? `Total of ${counted(rows.length, "row")}` : "Total");
    const value = column.key in computed ? computed[column.key] : column.isSummed ? total(rows, column.key) : undefined;
    const note = column.note && value !== undefined && value !== null ? column.note(computed) : "";
    const text = value === undefined ? "" : cellText(value, column.kind);
    return element("td", { class: classes(column) }, text, note ? element("small", {}, note) : "");
  });
  return [element("tr", {}, cells)];
}

function bar(share) {
  const fill = element("i", {});
  fill.style.width = `${Math.max(0, Math.min(1, share || 0)) * 100}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, fill);
}

/** Open the rows behind a figure. */
function showRows(detail) {
  const dialog = document.getElementById("rows");
  const options = typeof detail === "function" ? detail() : detail;
  const close = element("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close");
  dialog.replaceChildren(
    element("div", { class: "head" }, element("h2", {}, options.caption), close),
    options.text ? element("p", { class: "note" }, options.text) : "",
    dataTable(options),
  );
  if (!dialog.open) dialog.showModal();
}

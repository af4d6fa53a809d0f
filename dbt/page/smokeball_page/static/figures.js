// The figures: sums of rows that pass the filters, in a period, and in the same period earlier.

const MATTERS = rowsOf("matters");
const NO_MATTER = {
  matter_number: "", title: "", client_name: "", practice_area: "", person_responsible: "", status: "",
  is_lead: false, is_active: false,
};
const FRESHNESS = new Map(rowsOf("freshness").map((row) => [row.stream, row]));
const AS_OF = SETTINGS.as_of;
const FIRST_DAY = "0001-01-01";
const ANY = "";
const FILTERS = { area: ANY, attorney: ANY, period: "12 months" };

function matterOf(row) {
  return MATTERS[row.matter_id] || NO_MATTER;
}

/** Return the rows of a table with the columns of their matters. */
function withMatters(name) {
  return rowsOf(name).map((row) => {
    const matter = matterOf(row);
    return {
      ...row,
      matter: matter.matter_number || (matter.is_lead ? "(lead)" : row.matter_id === null ? "" : "(no number)"),
      title: titleOf(matter),
      client: matter.client_name,
      status: matter.is_lead ? `${matter.status} lead` : matter.status,
      area: matter.practice_area,
      attorney: matter.person_responsible,
      is_active: matter.is_active,
    };
  });
}

/** Return the title of a matter without its leading number. */
function titleOf(matter) {
  const start = `${matter.matter_number} - `;
  return matter.title && matter.title.startsWith(start) ? matter.title.slice(start.length) : matter.title;
}

const ROWS = {
  exceptions: withMatters("trust_exceptions"),
  accounts: rowsOf("trust_accounts"),
  balances: withMatters("trust_balances"),
  transferable: withMatters("trust_to_office"),
  wip: withMatters("wip"),
  receivables: withMatters("receivables"),
  images: rowsOf("images").map((row) => ({ ...row, area: row.practice_area, attorney: row.person_responsible })),
  lockup: rowsOf("lockup"),
  invoices: withMatters("invoices"),
  writeOffs: withMatters("write_offs"),
  receipts: withMatters("receipts"),
  hours: rowsOf("hours").map((row) => ({ ...row, attorney: row.staff_name })),
  leads: withMatters("leads"),
  matters: MATTERS.map((row) => ({
    ...row,
    matter: row.matter_number || "(no number)",
    title: titleOf(row),
    client: row.client_name,
    area: row.practice_area,
    attorney: row.person_responsible,
  })),
};

/** Return the rows that pass the filters of practice area and attorney. */
function filtered(name) {
  return ROWS[name].filter(
    (row) =>
      (FILTERS.area === ANY || row.area === FILTERS.area || row.area === undefined) &&
      (FILTERS.attorney === ANY || row.attorney === FILTERS.attorney),
  );
}

function isFiltered() {
  return FILTERS.area !== ANY || FILTERS.attorney !== ANY;
}

/** Periods: name, first and last day, and how many months before it those of the comparison are. */
function periods() {
  const month = firstOfMonth(AS_OF);
  const lastMonth = addMonths(month, -1);
  const yearStart = SETTINGS.fiscal_year_start;
  const fiscal = addMonths(month, -((Number(AS_OF.slice(5, 7)) - yearStart + 12) % 12));
  return {
    "this month": { label: "This month", first: month, last: AS_OF, before: [1, 12] },
    "last month": { label: "Last month", first: lastMonth, last: lastOfMonth(lastMonth), before: [1, 12] },
    "3 months": { label: "Last 3 whole months", first: addMonths(month, -3), last: addDays(month, -1), before: [3, 12] },
    "12 months": { label: "Last 12 whole months", first: addMonths(month, -12), last: addDays(month, -1), before: [1, 12] },
    "fiscal year": { label: "Fiscal year to date", first: fiscal, last: AS_OF, before: [12] },
    "last fiscal year": { label: "Last fiscal year", first: addMonths(fiscal, -12), last: addDays(fiscal, -1), before: [12] },
    all: { label: "Everything", first: FIRST_DAY, last: "9999-12-31", before: [] },
  };
}

function period() {
  return periods()[FILTERS.period];
}

function isEverything(span) {
  return span.first === FIRST_DAY;
}

/** Return a period some months earlier: whole months stay whole months. */
function shifted(span, months) {
  const isWhole = span.last === lastOfMonth(span.last);
  const last = addMonths(span.last, -months);
  return { ...span, first: addMonths(span.first, -months), last: isWhole ? lastOfMonth(last) : last };
}

/** Return the periods to compare with. */
function earlierPeriods() {
  const span = period();
  return span.before.map((count) => {
    const before = shifted(span, count);
    const name = count === 12 ? "a year before" : count === 1 ? "a month before" : `${count} months before`;
    return { ...before, name, label: spanText(before) };
  });
}

function spanText(span) {
  if (isEverything(span)) return "everything";
  if (span.last === lastOfMonth(span.last)) {
    const [first, last] = [monthText(span.first), monthText(span.last)];
    return first === last ? first : `${first} to ${last}`;
  }
  return `${dateText(span.first)} to ${dateText(span.last)}`;
}

/** Return the rows with a day in a period. "Everything" has rows without a day, too. */
function during(rows, key, span) {
  if (isEverything(span)) return rows;
  return rows.filter((row) => row[key] && row[key] >= span.first && row[key] <= span.last);
}

/** Return the rows of months that a period has a part of. */
function monthsDuring(rows, span) {
  if (isEverything(span)) return rows;
  return rows.filter((row) => row.month >= firstOfMonth(span.first) && row.month <= span.last);
}

function billed(span) {
  const rows = during(filtered("invoices"), "issued_date", span);
  return { rows, invoices: rows.length, amount: total(rows, "net_fee_amount") };
}

function cash(span) {
  const rows = during(filtered("receipts"), "effective_date", span);
  return { rows, amount: total(rows, "cash_amount") };
}

/** Fees on bills net of write-off and discount, of billable fees with those written off without a bill. */
function realization(span) {
  const rows = during(filtered("invoices"), "issued_date", span);
  return realizationOf(rows, during(filtered("writeOffs"), "work_date", span));
}

function realizationOf(rows, writeOffs) {
  const writtenOff = total(writeOffs, "amount");
  const recorded = total(rows, "recorded_fee_amount");
  const net = total(rows, "net_fee_amount");
  return {
    rows, writeOffs, invoices: rows.length, recorded, written_off: writtenOff, net,
    share: rows.length ? ratio(net, recorded + writtenOff) : null,
  };
}

/** Paid of the payable amount of bills that are old enough, without interest and client credit. */
function collection(span) {
  return collectionOf(during(filtered("invoices"), "issued_date", span));
}

function collectionOf(rows) {
  const old = rows.filter((row) => row.is_mature);
  const due = total(old, "payable_amount");
  const collected = total(old, "collected_amount");
  return { rows: old, invoices: old.length, due, collected, share: ratio(collected, due) };
}

function utilization(span) {
  return utilizationOf(monthsDuring(filtered("hours"), span));
}

function utilizationOf(rows) {
  const sum = (key) => Math.round(total(rows, key) * 1e4) / 1e4;
  const available = sum("available_hours");
  const billable = sum("billable_hours");
  const target = sum("target_hours");
  return {
    rows, available, billable, target, share: ratio(billable, available), target_share: ratio(billable, target),
    billed: total(rows, "billed_amount"),
  };
}

/** Return the amount of an earlier day's image, or null if there is none. */
function imageOf(kind, monthsBefore, key = "amount") {
  const isWanted = (row) => row.kind === kind && row.months_before === monthsBefore;
  const day = ROWS.images.find(isWanted)?.day;
  if (!day) return null;
  return { day, amount: total(filtered("images").filter(isWanted), key) };
}

/** Name the streams that a figure needs and that are not loaded. */
function missingStreams(streams) {
  return streams.filter((stream) => !FRESHNESS.has(stream));
}

/** Say until when the streams of a section are complete. */
function asOfText(streams) {
  const rows = streams.map((stream) => FRESHNESS.get(stream)).filter(Boolean);
  const unknown = rows.filter((row) => !row.complete_until).map((row) => row.stream);
  const times = rows.map((row) => row.complete_until).filter(Boolean).sort();
  const failed = rows.filter((row) => row.complete_until && row.last_run_status !== "complete");
  if (!times.length) return "Until when this is complete is unknown: load the stream sync_runs.";
  const parts = [];
  parts.push(`Complete until ${timeText(times[0])}.`);
  if (unknown.length) parts.push(`Not known to be complete: ${unknown.join(", ")}.`);
  if (failed.length) parts.push(`The last run did not complete: ${failed.map((row) => row.stream).join(", ")}.`);
  return parts.join(" ");
}

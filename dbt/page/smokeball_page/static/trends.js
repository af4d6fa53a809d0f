// Where the firm is going: lock-up, cash, bills, realization, collection.

const BILLING_STREAMS = ["matters", "invoices", "fees"];
const CASH_STREAMS = ["bank_accounts", "transactions", "invoices"];

/** Say how a figure compares with those of the periods before. */
function beforeTexts(now, figureOf, format) {
  return earlierPeriods().map((span) => {
    const before = figureOf(span);
    if (before === null) return `${span.name}: ${DASH}`;
    return `${span.name}: ${format(before)} ${differenceText(now, before, format)}`.trim();
  });
}

/** Return the change of an amount in percent, that of a share in points. */
function differenceText(now, before, format) {
  if (now === null || before === null) return "";
  if (format === percent) {
    const points = Math.round((now - before) * 1000) / 10;
    return `(${points > 0 ? "▲\u00a0+" : points < 0 ? "▼\u00a0−" : ""}${number(Math.abs(points), 1)} points)`;
  }
  const change = relativeChange(now, before);
  return change === null ? "" : `(${changeText(change)})`;
}

const wholeMoney = (cents) => money(cents, true);

const EARLIER = [[1, "a month before"], [12, "a year before"]];

/** Compare today's amount with the images of earlier days. */
function imageTexts(kind, now, what, key) {
  return EARLIER.map(([months, name]) => {
    const image = imageOf(kind, months, key);
    if (!image) return `${what} ${name}: no image yet`;
    return `${what}, ${dateText(image.day)}: ${wholeMoney(image.amount)} ${differenceText(now, image.amount, wholeMoney)}`.trim();
  });
}

function fewText(count, noun = "bill") {
  return count < FEW ? `only ${counted(count, noun)}` : "";
}

function lockupText(row) {
  if (row.lockup_days === null) return "needs twelve months of bills";
  return fewText(row.invoices_in_12_months) || "unbilled work and debtors in days of billing; the whole firm";
}

function lockupTile() {
  const months = [...ROWS.lockup].sort((one, other) => compareValues(one.month, other.month, 1));
  const latest = months.at(-1);
  const at = (count) => months.find((row) => latest && row.month === addMonths(latest.month, -count));
  const texts = EARLIER.map(([count, name]) => `${name}: ${at(count) ? `${cellText(at(count).lockup_days, "days")} days` : "no image yet"}`);
  return {
    section: "lockup",
    label: "Lock-up",
    value: latest && latest.lockup_days !== null ? `${number(latest.lockup_days)} days` : DASH,
    text: latest ? lockupText(latest) : "",
    before: texts,
    streams: [...BILLING_STREAMS, "expenses"],
  };
}

function lockupSection() {
  return section("lockup", "Lock-up", [...BILLING_STREAMS, "expenses"], [
    "Unbilled fees and debtors without tax, in days of the billing of twelve months. The whole firm: the filters do not apply. " +
      "Each month has the last image of the daily history, which began with the first build.",
    dataTable({
      caption: "Lock-up by month",
      file: "lock-up",
      columns: [
        { key: "month", label: "Month", kind: "month" },
        { key: "as_of", label: "Image of", kind: "date", isMinor: true },
        { key: "wip_fees", label: "Unbilled fees", kind: "money", isMinor: true },
        { key: "owed_exc_tax_amount", label: "Debtors, no tax", kind: "money", isMinor: true },
        { key: "billed_fees_in_12_months", label: "Fees billed in 12 months", kind: "money", isMinor: true },
        { key: "wip_days", label: "Unbilled, days", kind: "days" },
        { key: "debtor_days", label: "Debtors, days", kind: "days" },
        { key: "lockup_days", label: "Lock-up, days", kind: "days", note: (row) => fewText(row.invoices_in_12_months) },
      ],
      rows: ROWS.lockup,
      sort: ["month", -1],
    }),
  ]);
}

/** Group rows by month, with the amounts of the month before and a year before. */
function byMonth(rows, key, amountKey, allRows) {
  const amounts = new Map(
    grouped(allRows.filter((row) => row[key]), (row) => firstOfMonth(row[key])).map(([month, parts]) => [month, total(parts, amountKey)]),
  );
  const before = (month, count) => {
    const earlier = addMonths(month, -count);
    return earlier < [...amounts.keys()].sort()[0] ? null : amounts.get(earlier) || 0;
  };
  return grouped(rows, (row) => (row[key] ? firstOfMonth(row[key]) : null)).map(([month, parts]) => {
    const amount = total(parts, amountKey);
    const [month_before, year_before] = [1, 12].map((count) => (month === null ? null : before(month, count)));
    return { month, amount, parts, month_before, year_before, isPart: month === firstOfMonth(AS_OF) };
  });
}

const BEFORE_COLUMNS = [["month_before", "Month before"], ["year_before", "Year before"]].map(([key, label]) => ({
  key,
  label,
  kind: "money",
  note: (row) => changeText(relativeChange(row.amount, row[key])),
}));

function monthColumn() {
  return { key: "month", label: "Month", kind: "month", note: (row) => (row.isPart ? `until ${dateText(AS_OF)}` : "") };
}

function inTime(rows) {
  return [...rows].sort((one, other) => compareValues(one.month, other.month, 1));
}

function cashTile() {
  const now = cash(period());
  return {
    section: "cash",
    label: "Cash received",
    value: wholeMoney(now.amount),
    text: counted(now.rows.length, "payment"),
    before: beforeTexts(now.amount, (span) => cash(span).amount, wholeMoney),
    streams: CASH_STREAMS,
  };
}

function cashSection() {
  const paid = cash(period()).rows;
  const rows = byMonth(paid, "effective_date", "cash_amount", filtered("receipts")).map((row) => {
    const real = row.parts.filter((part) => part.account_type !== "Credit");
    const parts = { fees: total(real, "fee_amount"), costs: total(real, "cost_amount"), tax: total(real, "tax_amount") };
    return { ...row, ...parts, credit: total(row.parts, "credit_amount") };
  });
  const receipts = (row) => () => ({
    caption: `Payments of ${monthText(row.month)}`,
    columns: [
      { key: "effective_date", label: "Date", kind: "date" },
      ...MATTER_COLUMNS,
      ...MORE_MATTER_COLUMNS,
      { key: "account_type", label: "Account", kind: "text", isMinor: true },
      { key: "cash_amount", label: "Cash", kind: "money", isSummed: true },
      { key: "credit_amount", label: "Client credit", kind: "money", isSummed: true },
    ],
    rows: row.parts,
    sort: ["effective_date", 1],
    file: "payments",
  });
  return section("cash", "Cash received", CASH_STREAMS, [
    "Payments of bills less reversals. Client credit is not cash. Payments name no bill: parts for fees, costs and tax follow the " +
      "oldest bills of the matter; interest is in none of them.",
    monthChart(inTime(rows), "Cash received"),
    dataTable({
      caption: "Cash received by month",
      file: "cash",
      columns: [
        monthColumn(),
        { key: "amount", label: "Cash", kind: "money", isSummed: true, detail: receipts },
        ...BEFORE_COLUMNS,
        { key: "fees", label: "Fees", kind: "money", isMinor: true, isSummed: true },
        { key: "costs", label: "Costs", kind: "money", isMinor: true, isSummed: true },
        { key: "tax", label: "Tax", kind: "money", isMinor: true, isSummed: true },
        { key: "credit", label: "Client credit", kind: "money", isMinor: true, isSummed: true, detail: receipts },
      ],
      rows,
      sort: ["month", -1],
    }),
  ]);
}

function billedTile() {
  const now = billed(period());
  return {
    section: "billed",
    label: "Fees billed",
    value: wholeMoney(now.amount),
    text: counted(now.invoices, "bill"),
    before: beforeTexts(now.amount, (span) => billed(span).amount, wholeMoney),
    streams: BILLING_STREAMS,
  };
}

function invoicesOfMonth(text) {
  return (row) => () => ({
    caption: `${text} of ${monthText(row.month)}`,
    columns: INVOICE_COLUMNS,
    rows: row.parts,
    sort: ["issued_date", 1],
    file: "bills",
  });
}

function billedSection() {
  const rows = byMonth(billed(period()).rows, "issued_date", "net_fee_amount", filtered("invoices")).map((row) => ({
    ...row,
    invoices: row.parts.length,
    costs: total(row.parts, "net_cost_amount"),
    tax: total(row.parts, "tax_amount"),
    payable: total(row.parts, "payable_amount"),
  }));
  return section("billed", "Fees billed", BILLING_STREAMS, [
    "Final and paid bills by the month of issue, net of write-off and discount. Fees and costs are without tax.",
    monthChart(inTime(rows), "Fees billed"),
    dataTable({
      caption: "Fees billed by month",
      file: "billed",
      columns: [
        monthColumn(),
        { key: "amount", label: "Fees", kind: "money", isSummed: true, detail: invoicesOfMonth("Bills") },
        ...BEFORE_COLUMNS,
        { key: "invoices", label: "Bills", kind: "integer", isMinor: true, isSummed: true },
        { key: "costs", label: "Costs", kind: "money", isMinor: true, isSummed: true },
        { key: "tax", label: "Tax", kind: "money", isMinor: true, isSummed: true },
        { key: "payable", label: "To be paid", kind: "money", isMinor: true, isSummed: true },
      ],
      rows,
      sort: ["month", -1],
    }),
  ]);
}

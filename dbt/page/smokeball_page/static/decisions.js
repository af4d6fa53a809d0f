// What needs a decision: trust exceptions, trust money for the office, old work, overdue bills.

const DECISION_PRIORITY = 3; // later ones are notes
const MOST_TYPES = 3;
const HELD_TYPES = ["Trust", "ControlledMoney"];
const OLD_DAYS = 90;
const MATTER_COLUMNS = [
  { key: "matter", label: "Matter", kind: "text", note: (row) => row.title, isNoteMinor: true },
  { key: "client", label: "Client", kind: "text" },
  { key: "title", label: "Title", kind: "text", isInFileOnly: true },
];
const MORE_MATTER_COLUMNS = [
  { key: "status", label: "Status", kind: "text", isMinor: true },
  { key: "attorney", label: "Attorney", kind: "text", isMinor: true },
  { key: "area", label: "Practice area", kind: "text", isInFileOnly: true },
];
const TRUST_STREAMS = ["bank_accounts", "matter_balances", "transactions"];

/** Return "days_91_180" as "91 to 180 days". */
function ageLabel([name, low, high]) {
  if (name === "not_due") return "Not due";
  if (high === null) return `Over ${low - 1} days`;
  return low === null ? `Up to ${high} days` : `${low} to ${high} days`;
}

const OLD_AGES = SETTINGS.wip_ages.filter(([, low], place) => low > OLD_DAYS || place === SETTINGS.wip_ages.length - 1);
const OLD_FROM = OLD_AGES[0][1] - 1;

function exceptionText(type) {
  return type.charAt(0).toUpperCase() + type.slice(1);
}

/** Return the exceptions, the gravest first. */
function sortedExceptions() {
  return [...filtered("exceptions")].sort(
    (one, other) =>
      one.priority - other.priority ||
      Math.abs(other.amount) - Math.abs(one.amount) ||
      TEXT_ORDER.compare(one.exception_type, other.exception_type),
  );
}

function trustTile() {
  const grave = sortedExceptions().filter((row) => row.priority <= DECISION_PRIORITY);
  const types = grouped(grave, (row) => row.exception_type);
  const texts = types.slice(0, MOST_TYPES).map(([type, rows]) => `${number(rows.length)} × ${type}`);
  const others = types.slice(MOST_TYPES).reduce((count, [, rows]) => count + rows.length, 0);
  if (others) texts.push(`${number(others)} × other`);
  const balances = filtered("balances");
  const held = total(balances.filter((row) => HELD_TYPES.includes(row.account_type)), "balance");
  return {
    section: "trust",
    label: "Trust exceptions",
    value: number(grave.length),
    text: grave.length ? texts.join("; ") : `None in ${counted(balances.length, "balance")}`,
    before: [`held in trust: ${wholeMoney(held)}`, ...(imageOf("trust", 1) ? imageTexts("trust", held, "held in trust") : [])],
    isAlert: grave.some((row) => row.priority === 1),
    streams: TRUST_STREAMS,
  };
}

function trustSection() {
  const exceptions = sortedExceptions().map((row) => ({ ...row, type: exceptionText(row.exception_type) }));
  const balances = filtered("balances");
  const accounts = ROWS.accounts.map((row) => ({
    ...row,
    state: row.is_reconciled ? (row.statement_date ? "Agree" : "Agree; no statement") : "Differ",
  }));
  const notes = exceptions.filter((row) => row.priority > DECISION_PRIORITY).length;
  const ledgerColumns = [
    ...MATTER_COLUMNS,
    { key: "account_name", label: "Account", kind: "text" },
    ...MORE_MATTER_COLUMNS,
    { key: "protected_balance", label: "Protected", kind: "money", isMinor: true, isSummed: true },
    { key: "available_balance", label: "Available", kind: "money", isMinor: true, isSummed: true },
    { key: "balance", label: "Balance", kind: "money", isSummed: true },
    { key: "last_movement_date", label: "Last movement", kind: "date", isMinor: true },
  ];
  const ledgersOf = (row) => {
    const rows = balances.filter(
      (each) => each.bank_account_id === row.bank_account_id && (!row.matter || each.matter_id === row.matter_id),
    );
    if (!rows.length) return null;
    const caption = `Balances: ${row.account_name}${row.matter ? `, ${row.matter}` : ""}`;
    return () => ({ caption, columns: ledgerColumns, rows, sort: ["balance", 1], file: "trust-balances" });
  };
  return section("trust", "Trust exceptions", TRUST_STREAMS, [
    `The gravest first. ${counted(notes, "row")} of priority 4 and 5 are notes, not errors.`,
    dataTable({
      caption: "Trust exceptions",
      file: "trust-exceptions",
      columns: [
        { key: "priority", label: "Priority", kind: "integer", isMinor: true },
        { key: "type", label: "Exception", kind: "text" },
        ...MATTER_COLUMNS,
        { key: "account_name", label: "Account", kind: "text", isMinor: true },
        ...MORE_MATTER_COLUMNS,
        { key: "amount", label: "Amount", kind: "money", detail: ledgersOf },
        { key: "since_date", label: "Since", kind: "date", isMinor: true },
      ],
      rows: exceptions,
      sort: ["priority", 1],
    }),
    "Each account: balances of the matters, the book balance, and the bank statement if there is one in the seed. " +
      "The accounts do not depend on the filters.",
    dataTable({
      caption: "Reconciliation by account",
      file: "trust-accounts",
      columns: [
        { key: "account_name", label: "Account", kind: "text" },
        { key: "account_type", label: "Type", kind: "text", isMinor: true },
        { key: "state", label: "State", kind: "text" },
        { key: "ledger_balance", label: "Matters", kind: "money", detail: ledgersOf },
        { key: "moved_amount", label: "Movements", kind: "money", isMinor: true },
        { key: "book_balance", label: "Book", kind: "money", isMinor: true },
        { key: "statement_balance", label: "Statement", kind: "money", isMinor: true },
        { key: "statement_date", label: "Statement of", kind: "date", isMinor: true },
        { key: "overdrawn_ledgers", label: "Overdrawn", kind: "integer", isMinor: true },
      ],
      rows: accounts,
    }),
  ]);
}

function transferTile() {
  const rows = filtered("transferable");
  return {
    section: "transfer",
    label: "Trust money that may move to the office account",
    value: money(total(rows, "transferable_amount"), true),
    text: counted(rows.length, "matter"),
    streams: [...TRUST_STREAMS, "invoices"],
  };
}

function transferSection() {
  const rows = filtered("transferable");
  const invoicesOf = (row) => () => ({
    caption: `Unpaid bills of ${row.matter} ${row.client || ""}`,
    columns: INVOICE_COLUMNS,
    rows: ROWS.invoices.filter((each) => each.matter_id === row.matter_id && each.unpaid_amount > 0),
    file: "unpaid-bills",
  });
  return section("transfer", "Trust money that may move to the office account", [...TRUST_STREAMS, "invoices"], [
    "Available in trust, up to the unpaid bills of the same matter. Check authority and notice before you move money.",
    dataTable({
      caption: "Money in trust for unpaid bills, by matter",
      file: "trust-to-office",
      columns: [
        ...MATTER_COLUMNS,
        ...MORE_MATTER_COLUMNS,
        { key: "available_amount", label: "Available", kind: "money", isMinor: true, isSummed: true },
        { key: "unpaid_amount", label: "Unpaid bills", kind: "money", isMinor: true, isSummed: true },
        { key: "oldest_issued_date", label: "Oldest bill", kind: "date", isMinor: true },
        { key: "transferable_amount", label: "May move", kind: "money", isSummed: true, detail: invoicesOf },
      ],
      rows,
      sort: ["transferable_amount", -1],
    }),
  ]);
}

/** Return the rows of work in progress with the part that is old. */
function workInProgress() {
  return filtered("wip").map((row) => ({ ...row, old: OLD_AGES.reduce((sum, [name]) => sum + row[name], 0) }));
}

const WIP_COLUMNS = [
  { key: "old", label: `Over ${OLD_FROM} days`, kind: "money", isSummed: true },
  { key: "fees", label: "Fees", kind: "money", isMinor: true, isSummed: true },
  { key: "disbursements", label: "Disbursements", kind: "money", isMinor: true, isSummed: true },
  { key: "hours", label: "Hours", kind: "hours", isMinor: true, isSummed: true },
  { key: "total", label: "Total", kind: "money", isSummed: true },
  { key: "oldest_date", label: "Oldest", kind: "date", isMinor: true },
];
const WIP_STREAMS = ["matters", "fees", "expenses", "invoices"];

function wipTile() {
  const rows = workInProgress();
  const [old, all] = [total(rows, "old"), total(rows, "total")];
  return {
    section: "wip",
    label: `Unbilled work older than ${OLD_FROM} days`,
    value: money(old, true),
    text: `${percent(ratio(old, all), 0)} of ${money(all, true)} unbilled`,
    before: imageTexts("wip", all, "all unbilled"),
    streams: WIP_STREAMS,
  };
}

function wipSection() {
  const rows = workInProgress();
  const inactive = total(rows.filter((row) => !row.is_active), "total");
  const orphaned = total(rows, "orphaned");
  const draft = total(rows, "draft_adjustment");
  const byMatter = grouped(rows, (row) => row.matter_id).map(([, parts]) => ({
    ...parts[0],
    ...Object.fromEntries(["old", "fees", "disbursements", "hours", "total"].map((key) => [key, total(parts, key)])),
    oldest_date: parts.map((part) => part.oldest_date).filter(Boolean).sort()[0] || null,
    parts,
  }));
  const timekeepers = (row) => () => ({
    caption: `Unbilled work by timekeeper: ${row.matter} ${row.client || ""}`,
    columns: [{ key: "staff_name", label: "Timekeeper", kind: "text" }, ...WIP_COLUMNS],
    rows: row.parts,
    file: "unbilled-by-timekeeper",
  });
  const withDetail = WIP_COLUMNS.map((column) => (["old", "total"].includes(column.key) ? { ...column, detail: timekeepers } : column));
  const texts = [
    "Billable fees and disbursements without a bill, without tax.",
    `${money(inactive)} of it is on leads and on matters that are not active.`,
    draft ? `Discounts and surcharges of drafts would change the total by ${money(draft)}.` : "",
    orphaned ? `${money(orphaned)} more names an invoice that is not loaded.` : "",
  ];
  return section("wip", "Unbilled work", WIP_STREAMS, [
    texts.filter(Boolean).join(" "),
    ageTable("Unbilled work by age", SETTINGS.wip_ages, (name) => rows.filter((row) => row[name]), (name) => name, "total",
      [{ key: "staff_name", label: "Timekeeper", kind: "text" }]),
    dataTable({
      caption: "Unbilled work by matter",
      file: "unbilled-work",
      columns: [...MATTER_COLUMNS, ...MORE_MATTER_COLUMNS, ...withDetail],
      rows: byMatter.filter((row) => row.total || row.old),
      sort: ["old", -1],
    }),
  ]);
}

/** Make the table of the amounts by age, with the share of each. */
function ageTable(caption, ages, rowsOfAge, keyOfAge, totalKey, columns) {
  const found = ages.map((age) => {
    const rows = rowsOfAge(age[0]);
    return { label: ageLabel(age), rows, key: keyOfAge(age[0]), amount: total(rows, keyOfAge(age[0])) };
  });
  const all = total(found, "amount");
  const detail = (row) => () => ({
    caption: `${caption}: ${row.label.toLowerCase()}`,
    columns: [...MATTER_COLUMNS, ...MORE_MATTER_COLUMNS, ...columns, { key: row.key, label: "Amount", kind: "money", isSummed: true }],
    rows: row.rows,
    sort: [row.key, -1],
    file: "rows-of-an-age",
  });
  const table = dataTable({
    caption,
    file: "ages",
    columns: [
      { key: "label", label: "Age", kind: "text" },
      { key: "amount", label: "Amount", kind: "money", isSummed: true, detail },
      { key: "share", label: "Share", kind: "percent", bar: (row) => row.share },
    ],
    rows: found.map((row) => ({ ...row, share: ratio(row.amount, all) })),
  });
  table.classList.add("ages");
  return table;
}

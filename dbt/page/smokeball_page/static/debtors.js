// Overdue bills, by debtor.

const INVOICE_COLUMNS = [
  { key: "invoice_number", label: "Bill", kind: "text" },
  ...MATTER_COLUMNS,
  ...MORE_MATTER_COLUMNS,
  { key: "issued_date", label: "Issued", kind: "date" },
  { key: "recorded_fee_amount", label: "Billable fees", kind: "money", isMinor: true, isSummed: true },
  { key: "net_fee_amount", label: "Fees", kind: "money", isSummed: true },
  { key: "net_cost_amount", label: "Costs", kind: "money", isMinor: true, isSummed: true },
  { key: "tax_amount", label: "Tax", kind: "money", isMinor: true, isSummed: true },
  { key: "payable_amount", label: "To be paid", kind: "money", isMinor: true, isSummed: true },
  { key: "unpaid_amount", label: "Unpaid", kind: "money", isSummed: true },
];
const OWED_COLUMNS = [
  { key: "invoice_number", label: "Bill", kind: "text" },
  ...MATTER_COLUMNS,
  ...MORE_MATTER_COLUMNS,
  { key: "issued_date", label: "Issued", kind: "date", isMinor: true },
  { key: "due_date", label: "Due", kind: "date", isMinor: true },
  { key: "days_overdue", label: "Days overdue", kind: "integer" },
  { key: "debtors", label: "Debtors", kind: "integer", isMinor: true },
  { key: "owed_amount", label: "Owed", kind: "money", isSummed: true },
];
const DEBTOR_STREAMS = ["invoices", "matters"];

function owed() {
  return filtered("receivables").map((row) => ({
    ...row,
    overdue: row.owed_amount > 0 && row.days_overdue > 0 ? row.owed_amount : 0,
    credit: Math.min(0, row.owed_amount),
    debt: Math.max(0, row.owed_amount),
  }));
}

function overdueTile() {
  const rows = owed();
  const late = rows.filter((row) => row.overdue);
  const debtors = new Set(late.map((row) => row.debtor_id)).size;
  return {
    section: "debtors",
    label: "Overdue bills",
    value: money(total(rows, "overdue"), true),
    text: `${counted(debtors, "debtor")}, of ${money(total(rows, "owed_amount"), true)} owed`,
    before: imageTexts("receivables", total(rows, "overdue"), "overdue", "overdue_amount"),
    streams: DEBTOR_STREAMS,
  };
}

function debtorsSection() {
  const rows = owed();
  const byDebtor = grouped(rows, (row) => row.debtor_id).map(([, parts]) => ({
    debtor: parts[0].debtor_name || "(no debtor)",
    bills: parts.length,
    oldest: Math.max(0, ...parts.map((part) => (part.overdue ? part.days_overdue : 0))) || null,
    overdue: total(parts, "overdue"),
    over_90: total(parts.filter((part) => part.overdue && part.days_overdue > OLD_DAYS), "overdue"),
    credit: total(parts, "credit"),
    owed_amount: total(parts, "owed_amount"),
    parts,
  }));
  const bills = (isWanted, text) => (row) => () => ({
    caption: `${text}: ${row.debtor}`,
    columns: OWED_COLUMNS,
    rows: row.parts.filter(isWanted),
    sort: ["days_overdue", -1],
    file: "bills-of-debtor",
  });
  const credit = total(rows, "credit");
  return section("debtors", "Overdue bills by debtor", DEBTOR_STREAMS, [
    "Unpaid amounts of final bills, with tax and interest. Debtors of a bill owe equal parts, unless the seed says otherwise." +
      (credit ? ` Credits of ${money(credit)} are in a column of their own, and not in the ages.` : ""),
    ageTable("Owed by days overdue", SETTINGS.overdue_ages, (name) => rows.filter((row) => row.age_range === name && row.debt), () => "debt",
      "debt", [{ key: "debtor_name", label: "Debtor", kind: "text" }, { key: "days_overdue", label: "Days overdue", kind: "integer" }]),
    dataTable({
      caption: "Owed by debtor",
      file: "debtors",
      columns: [
        { key: "debtor", label: "Debtor", kind: "text" },
        { key: "overdue", label: "Overdue", kind: "money", isSummed: true, detail: bills((row) => row.overdue, "Overdue bills") },
        { key: "over_90", label: `Over ${OLD_DAYS} days`, kind: "money", isMinor: true, isSummed: true },
        { key: "oldest", label: "Most days overdue", kind: "integer", isMinor: true },
        { key: "bills", label: "Bills", kind: "integer", isMinor: true, isSummed: true },
        { key: "credit", label: "Credits", kind: "money", isMinor: true, isSummed: true },
        { key: "owed_amount", label: "Owed", kind: "money", isSummed: true, detail: bills(() => true, "Unpaid bills") },
      ],
      rows: byDebtor,
      sort: ["overdue", -1],
    }),
  ]);
}

// Shares: realization, collection and utilization. A share of few bills says how few.

function realizationTile() {
  const now = realization(period());
  return {
    section: "realization",
    label: "Realization of fees",
    value: percent(now.share),
    text: fewText(now.invoices) || counted(now.invoices, "bill"),
    before: beforeTexts(now.share, (span) => realization(span).share, percent),
    streams: BILLING_STREAMS,
  };
}

function collectionTile() {
  const now = collection(period());
  return {
    section: "realization",
    label: `Collected of bills older than ${SETTINGS.collection_days} days`,
    value: percent(now.share),
    text: fewText(now.invoices, "old bill") || counted(now.invoices, "bill"),
    before: beforeTexts(now.share, (span) => collection(span).share, percent),
    streams: CASH_STREAMS,
  };
}

function realizationSection() {
  const span = period();
  const invoices = during(filtered("invoices"), "issued_date", span);
  const writeOffs = during(filtered("writeOffs"), "work_date", span);
  const monthOf = (day) => (day ? firstOfMonth(day) : null);
  const months = new Set([...invoices.map((row) => monthOf(row.issued_date)), ...writeOffs.map((row) => monthOf(row.work_date))]);
  const shares = (parts, lost) => {
    const [billing, paying] = [realizationOf(parts, lost), collectionOf(parts)];
    return {
      recorded: billing.recorded, written_off: billing.written_off, net: billing.net, invoices: billing.invoices, realization: billing.share,
      due: paying.due, collected: paying.collected, old_invoices: paying.invoices, collection: paying.share,
    };
  };
  const rows = [...months].map((month) => {
    const parts = invoices.filter((row) => monthOf(row.issued_date) === month);
    const lost = writeOffs.filter((row) => monthOf(row.work_date) === month);
    return { month, parts, lost, isPart: month === firstOfMonth(AS_OF), ...shares(parts, lost) };
  });
  const lostRows = (row) => () => ({
    caption: `Fees of ${monthText(row.month)} written off without a bill`,
    columns: [
      { key: "work_date", label: "Date of work", kind: "date" },
      ...MATTER_COLUMNS,
      ...MORE_MATTER_COLUMNS,
      { key: "amount", label: "Amount", kind: "money", isSummed: true },
    ],
    rows: row.lost,
    file: "written-off",
  });
  return section("realization", "Realization and collection", [...BILLING_STREAMS, ...CASH_STREAMS], [
    "Realization: fees on bills net of write-off and discount, of billable fees; non-billable time does not count. Collection: paid of " +
      `what was to be paid on bills issued at least ${SETTINGS.collection_days} days ago, without interest and client credit. ` +
      `A share of fewer than ${FEW} bills says so: it says little.`,
    dataTable({
      caption: "Realization and collection by month of issue",
      file: "realization-and-collection",
      columns: [
        monthColumn(),
        { key: "recorded", label: "Billable fees on bills", kind: "money", isMinor: true, isSummed: true, detail: invoicesOfMonth("Bills") },
        { key: "written_off", label: "Written off unbilled", kind: "money", isMinor: true, isSummed: true, detail: lostRows },
        { key: "net", label: "Fees billed", kind: "money", isMinor: true, isSummed: true, detail: invoicesOfMonth("Bills") },
        { key: "realization", label: "Realization", kind: "percent", note: (row) => fewText(row.invoices) },
        { key: "due", label: "Due, old bills", kind: "money", isMinor: true, isSummed: true },
        { key: "collected", label: "Collected", kind: "money", isMinor: true, isSummed: true },
        { key: "collection", label: "Collection", kind: "percent", note: (row) => fewText(row.old_invoices, "old bill") },
      ],
      rows,
      sort: ["month", -1],
      totals: (found) => shares(found.flatMap((row) => row.parts), found.flatMap((row) => row.lost)),
    }),
  ]);
}

function utilizationTile() {
  const now = utilization(period());
  return {
    section: "utilization",
    label: "Utilization",
    value: percent(now.share),
    text: `${number(now.billable)} billable of ${number(now.available)} hours`,
    before: beforeTexts(now.share, (span) => utilization(span).share, percent),
    streams: ["fees", "staff"],
  };
}

function utilizationSection() {
  const earlier = earlierPeriods();
  const people = grouped(monthsDuring(filtered("hours"), period()), (row) => row.staff_id).map(([id, parts]) => {
    const before = earlier.map((span) => utilizationOf(monthsDuring(ROWS.hours.filter((row) => row.staff_id === id), span)).share);
    return { name: parts[0].staff_name, role: parts[0].role || "(unknown)", parts, ...utilizationOf(parts), before_0: before[0], before_1: before[1] };
  });
  const months = (row) => () => ({
    caption: `Hours by month: ${row.name}`,
    columns: [
      { key: "month", label: "Month", kind: "month" },
      { key: "available_hours", label: "Available", kind: "hours", isSummed: true },
      { key: "hours", label: "Recorded", kind: "hours", isSummed: true },
      { key: "billable_hours", label: "Billable", kind: "hours", isSummed: true },
      { key: "target_hours", label: "Target", kind: "hours", isSummed: true },
      { key: "billable_amount", label: "Worked", kind: "money", isSummed: true },
      { key: "billed_amount", label: "Billed", kind: "money", isSummed: true },
    ],
    rows: row.parts,
    sort: ["month", -1],
    file: "hours-by-month",
  });
  const compared = earlier.map((span, place) => ({ key: `before_${place}`, label: span.label, kind: "percent", isMinor: true }));
  return section("utilization", "Utilization", ["fees", "staff"], [
    "Billable hours of the available hours of fee earners: working days less holidays and absence. Whole months; an entry of a later day waits for it. " +
      "Hours have no practice area: that filter does not apply.",
    dataTable({
      caption: `Utilization by fee earner, ${spanText(period())}`,
      file: "utilization",
      columns: [
        { key: "name", label: "Fee earner", kind: "text" },
        { key: "role", label: "Role", kind: "text", isMinor: true },
        { key: "available", label: "Available", kind: "hours", isMinor: true, isSummed: true },
        { key: "billable", label: "Billable", kind: "hours", isSummed: true, detail: months },
        { key: "share", label: "Utilization", kind: "percent" },
        ...compared,
        { key: "target", label: "Target", kind: "hours", isMinor: true, isSummed: true },
        { key: "target_share", label: "Of target", kind: "percent" },
        { key: "billed", label: "Fees billed", kind: "money", isMinor: true, isSummed: true },
      ],
      rows: people,
      sort: ["share", -1],
      totals: (found) => utilizationOf(found.flatMap((row) => row.parts)),
    }),
  ]);
}

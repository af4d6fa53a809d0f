// The pipeline: active matters by stage, and leads.

const LOG_DAYS = 30; // nearly nothing is decided in the first days of the log

function activeMatters() {
  return filtered("matters").filter((row) => row.is_active);
}

function openLeads() {
  return filtered("leads").filter((row) => row.outcome === "open");
}

function pipelineTile() {
  const [active, leads] = [activeMatters(), openLeads()];
  const idle = active.filter((row) => row.idle_days >= SETTINGS.idle_days).length;
  return {
    section: "pipeline",
    label: "Active matters",
    value: number(active.length),
    text: `${number(idle)} without activity for ${SETTINGS.idle_days} days; ${counted(leads.length, "open lead")}`,
    streams: ["matters"],
  };
}

const STAGE_COLUMNS = [
  ...MATTER_COLUMNS,
  ...MORE_MATTER_COLUMNS,
  { key: "stage", label: "Stage", kind: "text", isMinor: true },
  { key: "age_days", label: "Age, days", kind: "integer" },
  { key: "idle_days", label: "Idle, days", kind: "integer" },
];

function stageRows() {
  const average = (rows) => ratio(total(rows, "age_days"), rows.filter((row) => row.age_days !== null).length);
  return grouped(activeMatters(), (row) => JSON.stringify([row.stage_set, row.stage])).map(([, parts]) => ({
    stage_set: parts[0].stage_set || "(no stage set)",
    stage: parts[0].stage || "(no stage)",
    matters: parts.length,
    idle: parts.filter((row) => row.idle_days >= SETTINGS.idle_days).length,
    age: average(parts),
    parts,
  }));
}

function leadRows() {
  const span = period();
  const found = filtered("leads").map((row) => ({ ...row, opened: row.lead_opened_date || row.first_seen_at.slice(0, 10) }));
  const began = found.map((row) => row.log_began_at.slice(0, 10)).sort()[0];
  const hasRate = began && AS_OF >= addDays(began, LOG_DAYS);
  const rows = grouped(during(found, "opened", span), (row) => row.referral_type || "(no source)").map(([source, parts]) => ({
    source, parts, ...outcomes(parts, hasRate),
  }));
  return { rows, began, hasRate };
}

function outcomes(leads, hasRate) {
  const known = leads.filter((row) => row.is_counted);
  const count = (outcome) => known.filter((row) => row.outcome === outcome).length;
  const [converted, lost] = [count("converted"), count("lost")];
  return {
    seen: leads.length, counted: known.length, converted, lost, open: count("open"), decided: converted + lost,
    rate: hasRate ? ratio(converted, converted + lost) : null,
  };
}

function pipelineSection() {
  const { rows, began, hasRate } = leadRows();
  const matters = (isWanted, text) => (row) => () => ({
    caption: `${text}: ${row.stage_set}, ${row.stage}`,
    columns: STAGE_COLUMNS,
    rows: row.parts.filter(isWanted),
    sort: ["idle_days", -1],
    file: "matters",
  });
  const leads = (row) => () => ({
    caption: `Leads: ${row.source}`,
    columns: [
      ...MATTER_COLUMNS,
      ...MORE_MATTER_COLUMNS,
      { key: "opened", label: "Opened", kind: "date" },
      { key: "outcome", label: "Outcome", kind: "text" },
      { key: "days_to_convert", label: "Days to convert", kind: "integer", isMinor: true },
    ],
    rows: row.parts,
    file: "leads",
  });
  return section("pipeline", "Pipeline", ["matters", "matter_stages", "stage_sets"], [
    `Open and pending matters, without leads and templates, by stage. Idle: no activity for ${SETTINGS.idle_days} days.`,
    dataTable({
      caption: "Active matters by stage",
      file: "stages",
      columns: [
        { key: "stage_set", label: "Stage set", kind: "text" },
        { key: "stage", label: "Stage", kind: "text" },
        { key: "matters", label: "Matters", kind: "integer", isSummed: true, detail: matters(() => true, "Matters") },
        { key: "idle", label: "Idle", kind: "integer", isSummed: true, detail: matters((row) => row.idle_days >= SETTINGS.idle_days, "Idle matters") },
        { key: "age", label: "Average age, days", kind: "integer", isMinor: true },
      ],
      rows: stageRows().map((row) => ({ ...row, age: row.age === null ? null : Math.round(row.age) })),
      sort: ["stage_set", 1],
    }),
    "Leads opened in the period, by source. Only those that were open when the history first saw them can count in a rate: Smokeball does " +
      `not record that a matter was a lead. The history began on ${dateText(began)}.` +
      (hasRate || !began ? "" : ` There is no rate in its first ${LOG_DAYS} days.`),
    dataTable({
      caption: `Leads by source, ${spanText(period())}`,
      file: "leads-by-source",
      columns: [
        { key: "source", label: "Source", kind: "text" },
        { key: "seen", label: "Leads", kind: "integer", isSummed: true, detail: leads },
        { key: "counted", label: "Counted", kind: "integer", isMinor: true, isSummed: true },
        { key: "converted", label: "Converted", kind: "integer", isSummed: true },
        { key: "lost", label: "Lost", kind: "integer", isSummed: true },
        { key: "open", label: "Open", kind: "integer", isMinor: true, isSummed: true },
        { key: "rate", label: "Conversion", kind: "percent", note: (row) => fewText(row.decided, "decided lead") },
      ],
      rows,
      sort: ["seen", -1],
      totals: (found) => outcomes(found.flatMap((row) => row.parts), hasRate),
    }),
  ]);
}

// Elements, numbers, dates and CSV. Texts of the firm become text nodes: nothing is parsed as HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SETTINGS = DATA.settings;
const FEW = 10; // a ratio over fewer invoices says so
const DASH = "–";
const LOCALES = { AUD: "en-AU", CAD: "en-CA", EUR: "en-IE", GBP: "en-GB", NZD: "en-NZ", USD: "en-US" };
const LOCALE = LOCALES[SETTINGS.currency] || "en-US";

function element(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== "") made.append(child);
  }
  return made;
}

/** Return the rows of a table as objects. */
function rowsOf(name) {
  const table = DATA.tables[name];
  return table.rows.map((row) => Object.fromEntries(table.columns.map((column, place) => [column, row[place]])));
}

function money(cents, isWhole = false) {
  if (cents === null || cents === undefined) return DASH;
  const digits = isWhole ? 0 : 2;
  const symbol = { style: "currency", currency: SETTINGS.currency, currencyDisplay: "narrowSymbol" };
  const options = SETTINGS.currency ? symbol : {};
  const rounded = isWhole ? Math.round(cents / 100) : cents / 100;
  return rounded
    .toLocaleString(LOCALE, { ...options, minimumFractionDigits: digits, maximumFractionDigits: digits })
    .replace("-", "−");
}

function number(value, digits = 0) {
  if (value === null || value === undefined) return DASH;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString(LOCALE, options).replace("-", "−");
}

function percent(fraction, digits = 1) {
  return fraction === null || fraction === undefined ? DASH : `${number(fraction * 100, digits)}%`;
}

function counted(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function dateText(day) {
  if (!day) return DASH;
  return `${Number(day.slice(8, 10))} ${monthText(day)}`;
}

function monthText(day) {
  return day ? `${MONTHS[Number(day.slice(5, 7)) - 1]} ${day.slice(0, 4)}` : "No date";
}

/** Return a time in the firm's time zone. */
function timeText(time) {
  if (!time) return "unknown";
  const zone = SETTINGS.timezone;
  const parts = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: zone });
  return `${parts.format(new Date(time))} (${zone})`;
}

/** Return a day some months later; the last day of the month if there is no such day. */
function addMonths(day, count) {
  const [year, month, date] = day.split("-").map(Number);
  const first = new Date(Date.UTC(year, month - 1 + count, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  first.setUTCDate(Math.min(date, last));
  return first.toISOString().slice(0, 10);
}

function addDays(day, count) {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + count);
  return date.toISOString().slice(0, 10);
}

function firstOfMonth(day) {
  return `${day.slice(0, 7)}-01`;
}

function lastOfMonth(day) {
  return addDays(addMonths(firstOfMonth(day), 1), -1);
}

function total(rows, key) {
  let sum = 0;
  for (const row of rows) sum += row[key] || 0;
  return sum;
}

function ratio(dividend, divisor) {
  return divisor ? dividend / divisor : null;
}

/** Group rows by a key; the groups keep the order of the rows. */
function grouped(rows, keyOf) {
  const groups = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  return [...groups.entries()];
}

/** Return a cell as text: how the table shows it. */
function cellText(value, kind) {
  if (value === null || value === undefined || value === "") return kind === "text" ? "" : DASH;
  if (kind === "money") return money(value);
  if (kind === "hours") return number(value, 1);
  if (kind === "days") return number(value, 1);
  if (kind === "integer") return number(value);
  if (kind === "percent") return percent(value);
  if (kind === "date") return dateText(value);
  if (kind === "month") return monthText(value);
  if (kind === "boolean") return value ? "Yes" : "No";
  return String(value);
}

/** Return a relative change in words and signs: it must be clear without colour. */
function changeText(change) {
  if (change === null || change === undefined) return DASH;
  if (change > 9.995) return "▲ more than tenfold";
  const sign = change > 0 ? "▲\u00a0+" : change < 0 ? "▼\u00a0−" : "";
  return `${sign}${number(Math.abs(change) * 100)}%`;
}

function relativeChange(now, before) {
  return before ? (now - before) / Math.abs(before) : null;
}

/** Return a cell for CSV. A spreadsheet takes a text that begins like a formula for one, so it gets an apostrophe. */
function csvCell(value, kind) {
  if (value === null || value === undefined) return "";
  if (kind === "money") return (value / 100).toFixed(2);
  if (["hours", "days", "integer", "percent"].includes(kind)) return String(value);
  if (kind === "boolean") return value ? "true" : "false";
  const text = String(value);
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvText(columns, rows) {
  const lines = [columns.map((column) => csvCell(column.label, "text"))];
  for (const row of rows) lines.push(columns.map((column) => csvCell(row[column.key], column.kind)));
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

/** Save a text as a file; the mark at its start makes spreadsheets read UTF-8. */
function saveText(name, text) {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** The application's state of a user as groups of labels and values, with what stands out marked. */
import { human, money, moment } from "../shared/format";

export interface Row {
  label: string;
  value: string;
  bad: boolean;
}

export interface Item {
  title: string;
  rows: Row[];
  bad: boolean;
}

export interface Group {
  name: string;
  rows: Row[];
  items: Item[];
  /** What the user has chosen beside what is in force, where a part has both. */
  compared: { label: string; saved: string; applied: string; differs: boolean }[];
  problems: string[];
}

type Values = Record<string, unknown>;

// The same words as escalation/packet/summary.py looks for.
const trouble = new Set(
  "failed past_due stuck delayed locked expired overdue suspended blocked error disabled pending refused".split(
    " ",
  ),
);
const titles = ["number", "title", "name", "device", "id", "kind"];

export function groups(parts: Values): Group[] {
  const currency = findCurrency(parts);
  return Object.entries(parts)
    .map(([name, part]) => group(name, part, currency))
    .filter((found) => found.rows.length + found.items.length + found.compared.length > 0)
    .sort((a, b) => Number(b.problems.length > 0) - Number(a.problems.length > 0));
}

function group(name: string, part: unknown, currency: string | undefined): Group {
  const found: Group = { name: human(name), rows: [], items: [], compared: [], problems: [] };
  if (Array.isArray(part)) found.items = items(part, currency);
  else if (isValues(part)) {
    let rest = part;
    if (isValues(part["saved"]) && isValues(part["applied"])) {
      found.compared = compare(part["saved"], part["applied"]);
      rest = Object.fromEntries(Object.entries(part).filter(([key]) => key !== "saved" && key !== "applied"));
    }
    for (const [key, value] of Object.entries(rest)) {
      if (Array.isArray(value) && value.some(isValues))
        found.items.push(...items(value, currency, human(key)));
      else found.rows.push(...rows(key, value, currency));
    }
  } else found.rows = rows(name, part, currency);
  found.problems = [
    ...found.rows.filter((row) => row.bad).map((row) => `${row.label}: ${row.value}`),
    ...found.items
      .filter((item) => item.bad)
      .map(
        (item) =>
          `${item.title}: ${item.rows
            .filter((row) => row.bad)
            .map((row) => row.value)
            .join(", ")}`,
      ),
    ...found.compared
      .filter((pair) => pair.differs)
      .map((pair) => `${pair.label}: ${pair.saved} saved, ${pair.applied} in force`),
  ];
  return found;
}

function items(list: unknown[], currency: string | undefined, prefix = ""): Item[] {
  return list.slice(0, 20).map((entry, index) => {
    if (!isValues(entry)) return { title: say("", entry, currency), rows: [], bad: false };
    const key = titles.find((name) => typeof entry[name] === "string");
    const name = key === undefined ? String(index + 1) : String(entry[key]);
    const inside = Object.entries(entry)
      .filter(([label]) => label !== key)
      .flatMap(([label, value]) => rows(label, value, currency));
    return {
      title: prefix === "" ? name : `${prefix.replace(/s$/, "")} ${name}`,
      rows: inside,
      bad: inside.some((row) => row.bad),
    };
  });
}

function rows(key: string, value: unknown, currency: string | undefined, prefix = ""): Row[] {
  if (value === null || value === undefined || value === "") return [];
  if (isValues(value)) {
    return Object.entries(value).flatMap(([inner, item]) =>
      rows(inner, item, currency, `${prefix === "" ? human(key) : `${prefix}${human(key).toLowerCase()}`} `),
    );
  }
  const name = human(key.replace(/_cents$/, "").replace(/_at$/, ""));
  const label = prefix === "" ? name : `${prefix}${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return [{ label, value: say(key, value, currency), bad: isBad(key, value) }];
}

function compare(saved: Values, applied: Values): Group["compared"] {
  return [...new Set([...Object.keys(saved), ...Object.keys(applied)])].map((key) => ({
    label: human(key),
    saved: say(key, saved[key], undefined),
    applied: say(key, applied[key], undefined),
    differs: JSON.stringify(saved[key]) !== JSON.stringify(applied[key]),
  }));
}

/** Whether a value speaks of trouble. */
export function isBad(key: string, value: unknown, now = new Date()): boolean {
  if (key === "status" || key === "state") return trouble.has(String(value).toLowerCase());
  if (key === "locked" || key === "password_expired") return value === true;
  if (key === "email_verified") return value === false;
  if (key === "amount_due_cents") return typeof value === "number" && value > 0;
  if (/(^|_)(error|failure_code|lock_reason)$/.test(key))
    return value !== null && value !== "" && value !== false;
  if (key === "expires" && typeof value === "string" && /^\d{4}-\d\d$/.test(value))
    return value < now.toISOString().slice(0, 7);
  return false;
}

function say(key: string, value: unknown, currency: string | undefined): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (value === true) return "yes";
  if (value === false) return "no";
  if (typeof value === "number") return key.endsWith("_cents") ? money(value, currency) : String(value);
  if (typeof value === "string") {
    if (/^\d{4}-\d\d-\d\dT/.test(value)) return moment(value);
    return /^[a-z]+(_[a-z]+)+$/.test(value) && !/(^|_)(id|ref|number)$/.test(key)
      ? value.replace(/_/g, " ")
      : value;
  }
  if (Array.isArray(value)) return value.map((item) => say("", item, currency)).join(", ");
  return JSON.stringify(value);
}

function findCurrency(parts: Values): string | undefined {
  for (const part of Object.values(parts)) {
    if (isValues(part) && typeof part["currency"] === "string") return part["currency"];
  }
  return undefined;
}

function isValues(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

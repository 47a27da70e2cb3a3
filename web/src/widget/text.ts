import { html, type TemplateResult } from "lit";

const address = /https?:\/\/[^\s<>"]+|(?<![\w/.:-])\/help\/[A-Za-z0-9_-]+/g;

/** Text with its links; everything else stays text. Only http(s) addresses and this installation's help pages. */
export function linked(text: string, baseUrl: string): (string | TemplateResult)[] {
  const parts: (string | TemplateResult)[] = [];
  let done = 0;
  for (const match of text.matchAll(address)) {
    const shown = trimmed(match[0]);
    const href = shown.startsWith("/") ? baseUrl + shown : checked(shown);
    if (href === null) continue;
    parts.push(text.slice(done, match.index));
    parts.push(
      html`<a href=${href} target="_blank" rel="noopener noreferrer"
        >${shown}<span class="unseen"> (opens in a new tab)</span></a
      >`,
    );
    done = match.index + shown.length;
  }
  parts.push(text.slice(done));
  return parts;
}

/** The help page of an article, or null when the address is not one. */
export function helpAddress(url: string, baseUrl: string): string | null {
  return /^\/help\/[A-Za-z0-9_-]+$/.test(url) ? baseUrl + url : null;
}

/** Full stops and brackets after an address belong to the sentence. */
function trimmed(found: string): string {
  let text = found.replace(/[.,;:!?'"]+$/, "");
  while (text.endsWith(")") && text.split(")").length > text.split("(").length) text = text.slice(0, -1);
  return text;
}

function checked(text: string): string | null {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

export function clock(at: string): string {
  return new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

export function day(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" }).format(
    date,
  );
}

/** A value from the host application as words. */
export function words(value: unknown): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (value === true) return "yes";
  if (value === false) return "no";
  if (typeof value === "string") {
    if (/^\d{4}-\d\d-\d\dT/.test(value)) return `${day(value)}, ${clock(value)}`;
    return value.replace(/_/g, " ");
  }
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

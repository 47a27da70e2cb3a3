import type { Article } from "../shared/types";

/** What the form holds. */
export interface Form {
  id: string;
  title: string;
  area: string;
  language: string;
  body: string;
}

/** Unsaved work, kept in this browser until it is saved or thrown away. `base` is the version it started from; 0 for a new article. */
export interface Draft {
  form: Form;
  base: number;
  at: string;
}

export const emptyForm: Form = { id: "", title: "", area: "", language: "en", body: "" };

export function formOf(article: Article): Form {
  return { id: article.id, title: article.title, area: article.area, language: article.language, body: article.body };
}

export function same(a: Form, b: Form): boolean {
  return a.title === b.title && a.area === b.area && a.language === b.language && a.body === b.body && a.id === b.id;
}

/** "Can I pay by card?" as "can-i-pay-by-card". */
export function slug(title: string): string {
  return title
    .normalize("NFKD")
    .replace(/[\u0300-\u036f'’]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 80)
    .replace(/-+$/, "");
}

const place = (key: string): string => `firstline:draft:${key}`;

export function keepDraft(key: string, draft: Draft | null): void {
  try {
    if (draft === null) localStorage.removeItem(place(key));
    else localStorage.setItem(place(key), JSON.stringify(draft));
  } catch {
    // Storage is full or refused: the guard before leaving still holds.
  }
}

export function findDraft(key: string): Draft | null {
  try {
    const found = JSON.parse(localStorage.getItem(place(key)) ?? "null") as Draft | null;
    return found && typeof found.form?.body === "string" ? found : null;
  } catch {
    return null;
  }
}

/** Lines of two texts side by side: which are only in one of them. By longest common subsequence; long texts line by line. */
export function compare(mine: string, theirs: string): { text: string; in: "both" | "mine" | "theirs" }[] {
  const [a, b] = [mine.split("\n"), theirs.split("\n")];
  if (a.length * b.length > 4_000_000) return [...a.map((text) => ({ text, in: "mine" as const })), ...b.map((text) => ({ text, in: "theirs" as const }))];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = a[i] === b[j] ? longest[(i + 1) * width + j + 1]! + 1 : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const lines: { text: string; in: "both" | "mine" | "theirs" }[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ text: a[i]!, in: "both" });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)) lines.push({ text: a[i++]!, in: "mine" });
    else lines.push({ text: b[j++]!, in: "theirs" });
  }
  return lines;
}

/** The same as rows of two columns: what was replaced stands beside what it was replaced with. */
export function sideBySide(mine: string, theirs: string): { same: boolean; mine: string | null; theirs: string | null }[] {
  const rows: { same: boolean; mine: string | null; theirs: string | null }[] = [];
  let waiting: { mine: string[]; theirs: string[] } = { mine: [], theirs: [] };
  const flush = (): void => {
    for (let at = 0; at < Math.max(waiting.mine.length, waiting.theirs.length); at += 1) {
      rows.push({ same: false, mine: waiting.mine[at] ?? null, theirs: waiting.theirs[at] ?? null });
    }
    waiting = { mine: [], theirs: [] };
  };
  for (const line of compare(mine, theirs)) {
    if (line.in !== "both") waiting[line.in].push(line.text);
    else {
      flush();
      rows.push({ same: true, mine: line.text, theirs: line.text });
    }
  }
  flush();
  return rows;
}

import type { NewArticleIn } from "../shared/api.generated";
import type { Article, Audience, Version } from "../shared/types";

/** What the form holds. Lists are texts here, as they are typed: names parted by commas, phrasings one a line. */
export interface Form {
  id: string;
  title: string;
  area: string;
  language: string;
  body: string;
  summary: string;
  audience: Audience;
  plans: string;
  product_versions: string;
  phrasings: string;
  review_by: string;
}

/** Unsaved work, kept in this browser until it is saved or thrown away. `base` is the version it started from; 0 for a new article. */
export interface Draft {
  form: Form;
  base: number;
  at: string;
}

/** An article's text as the server takes it. */
export type Sent = Required<Omit<NewArticleIn, "id">>;

export const newKey = "new";
export const emptyForm: Form = {
  id: "",
  title: "",
  area: "",
  language: "en",
  body: "",
  summary: "",
  audience: "everyone",
  plans: "",
  product_versions: "",
  phrasings: "",
  review_by: "",
};

export function formOf(article: Article | (Version & { id: string })): Form {
  return {
    id: article.id,
    title: article.title,
    area: article.area,
    language: article.language,
    body: article.body,
    summary: article.summary,
    audience: article.audience,
    plans: article.plans.join(", "),
    product_versions: article.product_versions.join(", "),
    phrasings: article.phrasings.join("\n"),
    review_by: article.review_by ?? "",
  };
}

const parted = (text: string, by: RegExp): string[] => [
  ...new Set(
    text
      .split(by)
      .map((one) => one.trim())
      .filter((one) => one !== ""),
  ),
];

export function sentOf(form: Form): Sent {
  const { id: _, ...text } = form;
  return {
    ...text,
    plans: parted(form.plans, /[,\n]/),
    product_versions: parted(form.product_versions, /[,\n]/),
    phrasings: parted(form.phrasings, /\n/),
    review_by: form.review_by || null,
  };
}

export function same(a: Form, b: Form): boolean {
  return a.id === b.id && JSON.stringify(sentOf(a)) === JSON.stringify(sentOf(b));
}

/** Front matter and text as one text, to compare two of them whole. */
export function whole(form: Form): string {
  const { body, phrasings, ...front } = sentOf(form);
  const lines = Object.entries(front)
    .filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value))
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(", ") : value}`);
  return [...lines, ...phrasings.map((one) => `also asked: ${one}`), "", body].join("\n");
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
const aside = (key: string): string => `firstline:aside:${key}`;

function put(at: string, draft: Draft | null): void {
  try {
    if (draft === null) localStorage.removeItem(at);
    else localStorage.setItem(at, JSON.stringify(draft));
  } catch {
    // Storage is full or refused: the guard before leaving still holds.
  }
}

function take(at: string): Draft | null {
  try {
    const found = JSON.parse(localStorage.getItem(at) ?? "null") as Draft | null;
    return found && typeof found.form?.body === "string"
      ? { ...found, form: { ...emptyForm, ...found.form } }
      : null;
  } catch {
    return null;
  }
}

export const keepDraft = (key: string, draft: Draft | null): void => put(place(key), draft);
export const findDraft = (key: string): Draft | null => take(place(key));
/** A text that gave way to another in a conflict or a restore; it can be had back. */
export const setAside = (key: string, draft: Draft | null): void => put(aside(key), draft);
export const findAside = (key: string): Draft | null => take(aside(key));

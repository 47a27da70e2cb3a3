/** What the knowledge base's API gives to editors. */
import { call, get } from "../shared/api";
import type { Article, Version } from "../shared/types";
import type { Sent } from "./draft";

export interface Hit {
  article_id: string;
  title: string;
  quote: string;
  score: number;
  why?: { matched?: string[] };
}

export interface Rank {
  rank: number | null;
  probability: number;
  advice?: string;
  hits: Hit[];
}

export interface Tried {
  before: Rank;
  after: Rank;
}

export interface Figures {
  hit1: number;
  ndcg10: number;
  n: number;
}

export interface Worse {
  question: string;
  article: string;
  rank_before: number | null;
  rank_after: number | null;
}

/** How known questions fare before and after publishing. */
export interface Gate {
  before: Figures;
  after: Figures;
  worse: Worse[];
  better?: Worse[];
}

export interface Link {
  line?: number | null;
  text?: string;
  url: string;
  problem?: string | null;
  kind?: string;
}

export interface Statistics {
  shown: number;
  helped: number;
  not_helped: number;
  handed_off: number;
  by_day: { day: string; shown: number; helped?: number; not_helped?: number; handed_off?: number }[];
}

export interface Known {
  id: string;
  question: string;
  source?: string;
  created_by?: string;
  rank?: number | null;
}

export interface Cluster {
  id: string;
  label: string;
  count: number;
  handoffs: number;
  cost_minutes: number;
  examples: string[];
  trend: number[] | string | number | null;
  article_id?: string | null;
  before?: number | null;
  after?: number | null;
}

const always = ["title", "area", "language", "body"];
/** What is empty is left out: it means the same. */
const lean = (text: Sent): Partial<Sent> =>
  Object.fromEntries(
    Object.entries(text).filter(
      ([name, value]) => always.includes(name) || (value !== "everyone" && (value?.length ?? 0) > 0),
    ),
  );

const at = (id: string, rest = ""): string => `/articles/${encodeURIComponent(id)}${rest}`;

export const kb = {
  list: (query: URLSearchParams) =>
    get<{ articles: Article[] }>(`/articles?${query}`).then((found) => found.articles),
  read: (id: string) => get<Article>(at(id)),
  create: (id: string, text: Sent) =>
    call<Article>("POST", "/articles", { body: { ...lean(text), ...(id ? { id } : {}) } }),
  save: (id: string, text: Sent, base: number) =>
    call<Article>("PUT", at(id), { body: { ...lean(text), base_version: base } }),
  act: (id: string, act: "review" | "publish" | "unpublish" | "archive" | "unschedule") =>
    call<Article & { gate?: Gate | null }>("POST", at(id, `/${act}`)),
  schedule: (id: string, when: string) => call<Article>("POST", at(id, "/schedule"), { body: { at: when } }),
  restore: (id: string, version: number, base: number) =>
    call<Article>("POST", at(id, "/restore"), { body: { version, base_version: base } }),
  versions: (id: string) => get<{ versions: Version[] }>(at(id, "/versions")).then((found) => found.versions),
  preview: (body: string) =>
    call<{ html: string }>("POST", "/articles/preview", { body: { body } }).then((made) => made.html),
  gate: (id: string) => get<Gate>(at(id, "/gate")),
  attempt: (id: string, question: string, text: Sent) =>
    call<Tried>("POST", at(id, "/try"), { body: { question, ...lean(text) } }),
  statistics: (id: string) => get<Statistics>(at(id, "/statistics")),
};

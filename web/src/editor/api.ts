/** What the knowledge base's API gives to editors. */
import { call, get } from "../shared/api";
import type {
  ArticlesOut,
  GateOut,
  PreviewOut,
  StatisticsOut,
  TriedOut,
  VersionsOut,
} from "../shared/api.generated";
import type { Article } from "../shared/types";
import type { Sent } from "./draft";

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
  list: (query: URLSearchParams) => get<ArticlesOut>(`/articles?${query}`).then((found) => found.articles),
  read: (id: string) => get<Article>(at(id)),
  create: (id: string, text: Sent) =>
    call<Article>("POST", "/articles", { body: { ...lean(text), ...(id ? { id } : {}) } }),
  save: (id: string, text: Sent, base: number) =>
    call<Article>("PUT", at(id), { body: { ...lean(text), base_version: base } }),
  act: (id: string, act: "review" | "publish" | "unpublish" | "archive" | "unschedule") =>
    call<Article>("POST", at(id, `/${act}`)),
  schedule: (id: string, when: string) => call<Article>("POST", at(id, "/schedule"), { body: { at: when } }),
  restore: (id: string, version: number, base: number) =>
    call<Article>("POST", at(id, "/restore"), { body: { version, base_version: base } }),
  versions: (id: string) => get<VersionsOut>(at(id, "/versions")).then((found) => found.versions),
  preview: (body: string) =>
    call<PreviewOut>("POST", "/articles/preview", { body: { body } }).then((made) => made.html),
  gate: (id: string) => get<GateOut>(at(id, "/gate")),
  attempt: (id: string, question: string, text: Sent) =>
    call<TriedOut>("POST", at(id, "/try"), { body: { question, ...lean(text) } }),
  statistics: (id: string) => get<StatisticsOut>(at(id, "/statistics")),
};

import MiniSearch from "minisearch";

/** A public help article, as a whole. */
export interface HelpArticle {
  id: string;
  version: number;
  title: string;
  area: string;
  language: string;
  summary: string;
  updated: string;
  /** As the server has sanitised it. */
  html: string;
}

const kept = "firstline-help-1";

/** The public help articles: from the server, else as they were kept in this browser. Fires "change". */
export class Shelf extends EventTarget {
  articles: HelpArticle[] = [];
  /** Whether the articles are what was kept, since the server cannot be reached. */
  away = false;
  private found: MiniSearch<HelpArticle> | null = null;
  private loading: Promise<void> | null = null;
  private readonly url: string;

  constructor(readonly baseUrl: string) {
    super();
    this.url = `${baseUrl.replace(/\/+$/, "")}/api/v1/help/pack`;
  }

  get(id: string): HelpArticle | null {
    return this.articles.find((article) => article.id === id) ?? null;
  }

  /** Fetch what is new; never throws. */
  load(): Promise<void> {
    this.loading ??= this.fetch().finally(() => (this.loading = null));
    return this.loading;
  }

  private async fetch(): Promise<void> {
    try {
      const answer = await fetch(this.url, { credentials: "omit" });
      if (!answer.ok) throw new Error(String(answer.status));
      const copy = answer.clone();
      if (!this.take(await answer.json())) throw new Error("no articles");
      this.away = !navigator.onLine;
      void store()
        ?.then((cache) => cache.put(this.url, copy))
        .catch(() => undefined);
    } catch {
      this.away = true;
      if (this.articles.length === 0) {
        const answer = await store()
          ?.then((cache) => cache.match(this.url))
          .catch(() => undefined);
        if (answer) this.take(await answer.json().catch(() => null));
      }
    }
    this.dispatchEvent(new Event("change"));
  }

  private take(given: unknown): boolean {
    const articles = (given as { articles?: unknown } | null)?.articles;
    if (!Array.isArray(articles)) return false;
    this.articles = (articles as (Partial<HelpArticle> | null)[]).filter(
      (one): one is HelpArticle => typeof one?.id === "string" && typeof one.html === "string",
    );
    this.found = null;
    return true;
  }

  /** The articles that hold these words, best first, without asking anybody. */
  search(words: string): HelpArticle[] {
    this.found ??= this.index();
    return this.found
      .search(words)
      .flatMap((hit) => this.get(String(hit.id)) ?? [])
      .slice(0, 8);
  }

  private index(): MiniSearch<HelpArticle> {
    const index = new MiniSearch<HelpArticle>({
      fields: ["title", "summary", "text"],
      extractField: (article, field) =>
        field === "text"
          ? article.html.replace(/<[^>]*>/g, " ")
          : String(article[field as keyof HelpArticle] ?? ""),
      searchOptions: {
        boost: { title: 3, summary: 2 },
        prefix: (word) => word.length > 3,
        fuzzy: (word) => (word.length > 4 ? 0.2 : false),
      },
    });
    index.addAll(this.articles);
    return index;
  }
}

/** Only pages over https, and those of this machine, may keep something. */
function store(): Promise<Cache> | undefined {
  return "caches" in globalThis ? caches.open(kept) : undefined;
}

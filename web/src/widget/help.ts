import { LitElement, html, nothing, unsafeCSS, type PropertyValues, type TemplateResult } from "lit";
import tokens from "../shared/tokens.css?inline";
import look from "./help.css?inline";
import type { HelpArticle, Shelf } from "./help-pack";
import type { Found } from "../shared/wire";

const pause = 250;

interface Listed {
  id: string;
  title: string;
  about: string;
}

/** Help articles: to browse, to search, to read; without a connection from what this browser has kept. */
export class FirstlineHelp extends LitElement {
  static override styles = [unsafeCSS(tokens), unsafeCSS(look)];
  static override properties = {
    shelf: { attribute: false },
    ask: { attribute: false },
    words: { state: true },
    results: { state: true },
    local: { state: true },
    shown: { state: true },
    news: { state: true },
  };

  declare shelf: Shelf;
  /** Searches with the server; without it only what is kept here is searched. */
  declare ask: ((words: string) => Promise<Found[]>) | null;
  declare words: string;
  declare results: Listed[] | null;
  /** Whether the results come from what is kept here. */
  declare local: boolean;
  declare shown: HelpArticle | null;
  declare news: string;
  private asked = 0;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private cameFrom: string | null = null;
  private readonly changed = (): void => {
    if (this.shown !== null) this.shown = this.shelf.get(this.shown.id) ?? this.shown;
    this.requestUpdate();
  };

  constructor() {
    super();
    this.ask = null;
    this.words = "";
    this.results = null;
    this.local = false;
    this.shown = null;
    this.news = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.shelf.addEventListener("change", this.changed);
    addEventListener("online", this.returned);
    addEventListener("offline", this.changed);
    if (this.ask === null) void this.shelf.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.shelf.removeEventListener("change", this.changed);
    removeEventListener("online", this.returned);
    removeEventListener("offline", this.changed);
    clearTimeout(this.waiting);
  }

  private readonly returned = (): void => {
    void this.shelf.load().then(() => (this.words.trim() === "" ? undefined : this.look()));
  };

  private typed(event: Event): void {
    this.words = (event.target as HTMLInputElement).value;
    this.shown = null;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => void this.look(), pause);
  }

  private submit(event: Event): void {
    event.preventDefault();
    clearTimeout(this.waiting);
    void this.look();
  }

  private async look(): Promise<void> {
    const words = this.words.trim().slice(0, 1000);
    const number = (this.asked += 1);
    if (words === "") {
      this.results = null;
      return;
    }
    let found: Listed[] | null = null;
    if (this.ask !== null && navigator.onLine) {
      found = await this.ask(words).then(
        (hits) => hits.map((hit) => ({ id: hit.article_id, title: hit.title, about: hit.quote })),
        () => null,
      );
    }
    // A later search has been begun meanwhile.
    if (number !== this.asked) return;
    this.local = found === null;
    this.results =
      found ?? this.shelf.search(words).map(({ id, title, summary }) => ({ id, title, about: summary }));
    this.news = this.results.length === 0 ? "Nothing was found." : `${this.results.length} articles found.`;
  }

  private async read(id: string): Promise<void> {
    // It may have been published after the articles were fetched.
    if (this.shelf.get(id) === null) await this.shelf.load();
    const article = this.shelf.get(id);
    if (article === null) {
      open(`${this.shelf.baseUrl}/help/${encodeURIComponent(id)}`, "_blank", "noopener");
      return;
    }
    this.cameFrom = id;
    this.shown = article;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(".title")?.focus();
    this.renderRoot.querySelector(".body")?.scrollTo(0, 0);
  }

  private async back(): Promise<void> {
    this.shown = null;
    await this.updateComplete;
    const place =
      this.cameFrom === null
        ? null
        : this.renderRoot.querySelector<HTMLElement>(`[data-article="${CSS.escape(this.cameFrom)}"]`);
    (place ?? this.renderRoot.querySelector<HTMLElement>("input"))?.focus();
  }

  private toChat(): void {
    const words = this.shown?.title ?? this.words.trim();
    this.dispatchEvent(new CustomEvent("chat", { detail: words }));
  }

  protected override updated(changed: PropertyValues): void {
    if (!changed.has("shown") || this.shown === null) return;
    this.renderRoot.querySelector(".text")?.replaceChildren(this.content(this.shown));
  }

  /** An article's text with links that lead from here: to another article in this place, else to a new tab. */
  private content(article: HelpArticle): DocumentFragment {
    const parsed = new DOMParser().parseFromString(article.html, "text/html");
    for (const image of parsed.querySelectorAll("img"))
      image.src = new URL(image.getAttribute("src") ?? "", `${this.shelf.baseUrl}/help/`).href;
    for (const link of parsed.querySelectorAll("a")) {
      const address = link.getAttribute("href") ?? "";
      const other = /^\/help\/([A-Za-z0-9_-]+)(?:#.*)?$/.exec(address)?.[1];
      if (address.startsWith("#")) {
        link.addEventListener("click", (event) => {
          event.preventDefault();
          this.renderRoot.querySelector(`.text #${CSS.escape(address.slice(1))}`)?.scrollIntoView();
        });
        continue;
      }
      link.href = new URL(address, `${this.shelf.baseUrl}/help/`).href;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      if (other !== undefined && this.shelf.get(other) !== null) {
        link.addEventListener("click", (event) => {
          event.preventDefault();
          void this.read(other);
        });
      }
    }
    const made = document.createDocumentFragment();
    made.append(...parsed.body.childNodes);
    return made;
  }

  protected override render(): TemplateResult {
    return html`
      <form role="search" @submit=${this.submit}>
        <input
          type="search"
          data-testid="help-search"
          aria-label="Search help"
          placeholder="Search help"
          maxlength="1000"
          autocomplete="off"
          .value=${this.words}
          @input=${this.typed}
        />
      </form>
      <div role="status">
        ${this.away ? html`<p class="note" data-testid="help-offline">You are offline. These are the articles kept in this browser.</p>` : nothing}<span
          class="unseen"
          >${this.news}</span
        >
      </div>
      <div class="body" tabindex="0" role="region" aria-label="Help articles">
        ${this.shown === null ? this.list() : this.article(this.shown)}
      </div>
    `;
  }

  private get away(): boolean {
    return !navigator.onLine || this.shelf.away;
  }

  private list(): TemplateResult {
    if (this.results !== null) {
      return html`${
        this.results.length === 0
          ? html`<p class="calm">
              Nothing was found. Try other words${this.ask === null ? "" : ", or ask in the chat"}.
            </p>`
          : html`<ul data-testid="help-results">
              ${this.results.map((one) => this.row(one))}
            </ul>`
      }
      ${this.askButton()}`;
    }
    const { articles } = this.shelf;
    if (articles.length === 0)
      return html`<p class="calm">
        ${this.away ? "No articles have been kept in this browser yet." : "There are no articles yet."}
      </p>`;
    const areas = [...new Set(articles.map((one) => one.area))].sort();
    return html`${areas.map(
      (area) =>
        html`<h3 class="area">${area.replace(/-/g, " ").replace(/^./, (letter) => letter.toUpperCase())}</h3>
          <ul>
            ${articles
              .filter((one) => one.area === area)
              .sort((a, b) => a.title.localeCompare(b.title))
              .map(({ id, title }) => this.row({ id, title, about: "" }))}
          </ul>`,
    )}`;
  }

  private row(one: Listed): TemplateResult {
    return html`<li>
      <button type="button" data-article=${one.id} data-testid="help-row" @click=${() => this.read(one.id)}>
        <span>${one.title}</span>${one.about ? html`<small>${one.about}</small>` : nothing}
      </button>
    </li>`;
  }

  private article(one: HelpArticle): TemplateResult {
    return html`<div class="row">
        <button type="button" class="back" data-testid="help-back" @click=${this.back}>Back</button>
      </div>
      <h3 class="title" tabindex="-1" lang=${one.language}>${one.title}</h3>
      <div class="text" lang=${one.language} data-testid="help-article"></div>
      <div class="row">
        ${this.askButton()}<a
          href="${this.shelf.baseUrl}/help/${one.id}"
          target="_blank"
          rel="noopener noreferrer"
          >Open as a page<span class="unseen"> (opens in a new tab)</span></a
        >
      </div>`;
  }

  private askButton(): unknown {
    return this.ask === null
      ? nothing
      : html`<p class="row">
          <button type="button" class="ask" data-testid="help-ask" @click=${this.toChat}>
            Ask in the chat
          </button>
        </p>`;
  }
}

if (!customElements.get("firstline-help")) customElements.define("firstline-help", FirstlineHelp);

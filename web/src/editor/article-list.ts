import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { wordsOf } from "../shared/api";
import { day, human } from "../shared/format";
import * as icons from "../shared/icons";
import type { Article } from "../shared/types";
import { findDraft, newKey } from "./draft";
import { value } from "./fields";
import { tones } from "./article-actions";
import { kb } from "./api";

type Status = Article["status"];
const page = 100;
const plurals: Record<Status, string> = {
  published: "Published",
  changed: "Changed since",
  review: "In review",
  draft: "Drafts",
  archived: "Archived",
};

/** The list of articles. Words are looked for by the server, the filters act at once. */
@customElement("fl-shelf")
export class Shelf extends LitElement {
  /** The article on the desk. */
  @property({ attribute: false }) open = "";
  /** Read again when this grows. */
  @property({ attribute: false }) turn = 0;
  @state() private articles: Article[] | null = null;
  @state() private text = "";
  @state() private status = "";
  @state() private area = "";
  @state() private language = "";
  @state() private reader = "";
  @state() private more = false;
  @state() private shown = page;
  @state() private trouble = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("turn")) void this.read();
  }

  private async read(): Promise<void> {
    const query = new URLSearchParams();
    if (this.text.trim()) query.set("q", this.text.trim());
    // What is archived is out of the way: it comes only when it is asked for.
    if (this.status === "archived") query.set("status", "archived");
    const asked = (this.asked += 1);
    try {
      const found = await kb.list(query);
      if (asked !== this.asked) return;
      this.articles = found;
      this.trouble = "";
    } catch (error) {
      if (asked === this.asked) this.trouble = wordsOf(error);
    }
  }

  private readonly pick = (event: Event): void => {
    const before = this.status;
    this.status = value(event);
    if ((before === "archived") !== (this.status === "archived")) {
      this.articles = null;
      void this.read();
    }
  };

  private readonly find = (event: Event): void => {
    this.text = value(event);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), 200);
  };

  private get found(): Article[] {
    return (this.articles ?? []).filter(
      (one) =>
        (this.status === "" ? one.status !== "archived" : one.status === this.status) &&
        (this.area === "" || one.area === this.area) &&
        (this.language === "" || one.language === this.language) &&
        (this.reader === "" || (one.audience ?? "everyone") === this.reader),
    );
  }

  private values(of: "area" | "language"): string[] {
    return [...new Set((this.articles ?? []).map((one) => one[of]))].sort();
  }

  private count(status: Status): number {
    return (this.articles ?? []).filter((one) => one.status === status).length;
  }

  override render(): TemplateResult {
    const found = this.found;
    const filters = [this.area, this.language, this.reader].filter(Boolean).length;
    return html`<section class="shelf" aria-label="Articles">
      <div class="shelf-head">
        <input
          type="search"
          aria-label="Search articles"
          placeholder="Search articles"
          .value=${this.text}
          data-testid="editor-search"
          @input=${this.find}
        />
        <div class="shelf-row">
          <select aria-label="Status" data-testid="editor-status" @change=${this.pick}>
            <option value="">All in use</option>
            ${(Object.keys(plurals) as Status[]).map((name) => html`<option value=${name} .selected=${this.status === name}>${plurals[name]}${this.articles && this.status !== "archived" && name !== "archived" ? ` (${this.count(name)})` : ""}</option>`)}
          </select>
          <button
            class="round filter"
            aria-expanded=${this.more}
            aria-label=${filters ? `Filters, ${filters} set` : "Filters"}
            title="Filters"
            data-set=${filters > 0}
            data-testid="editor-filters"
            @click=${() => (this.more = !this.more)}
          >
            ${icons.filter}
          </button>
          <a class="primary" href="#${newKey}" data-testid="editor-new">${icons.plus} New</a>
        </div>
        ${this.more ? this.filters() : nothing}
      </div>
      ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
      <p class="unseen" role="status">${this.articles ? `${found.length} articles` : ""}</p>
      <div class="shelf-list">
        ${
          this.articles === null
            ? html`<p class="fine empty">${this.trouble ? "" : "Reading…"}</p>`
            : found.length === 0
              ? html`<p class="fine empty">Nothing found.</p>`
              : html`<ul>
                  ${found.slice(0, this.shown).map((one) => html`<li>${this.row(one)}</li>`)}
                </ul>`
        }
        ${found.length > this.shown ? html`<button class="small" @click=${() => (this.shown += page)}>Show ${Math.min(page, found.length - this.shown)} more of ${found.length}</button>` : nothing}
      </div>
    </section>`;
  }

  private filters(): TemplateResult {
    const choice = (
      name: string,
      all: string,
      now: string,
      options: string[],
      set: (to: string) => void,
    ): TemplateResult =>
      html`<label
        >${name}<select @change=${(event: Event) => set(value(event))}>
          <option value="">${all}</option>
          ${options.map((one) => html`<option value=${one} .selected=${now === one}>${name === "Language" ? one : human(one)}</option>`)}
        </select></label
      >`;
    return html`<div class="filters" data-testid="editor-filter-fields">
      ${choice("Area", "Every area", this.area, this.values("area"), (to) => (this.area = to))}
      ${choice("Language", "Every language", this.language, this.values("language"), (to) => (this.language = to))}
      ${choice("Readers", "All readers", this.reader, ["everyone", "users", "staff"], (to) => (this.reader = to))}
    </div>`;
  }

  private row(one: Article): TemplateResult {
    const { tone, words } = tones[one.status];
    return html`<a
      href="#${one.id}"
      data-testid="article-row"
      data-status=${one.status}
      aria-current=${this.open === one.id ? "true" : nothing}
    >
      <strong>${one.title}</strong>
      <span class="fine"
        ><span class="tag ${tone}">${words}</span> ${human(one.area)} ·
        ${day(one.updated_at)}${one.publish_at ? html` · ${icons.clock}<span class="unseen">scheduled</span>` : ""}${findDraft(one.id) ? " · unsaved" : ""}</span
      >
    </a>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "fl-shelf": Shelf;
  }
}

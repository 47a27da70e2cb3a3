import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { get, wordsOf } from "../shared/api";
import { moment } from "../shared/format";
import type { Article, Version } from "../shared/types";
import { columns } from "./columns";
import { formOf, whole, type Form } from "./draft";
import { kb } from "./api";

type Against = "before" | "newest" | "form";

/** All saved texts; any of them beside another, and back with one press. Fires `restore` with the version. */
@customElement("fl-versions")
export class Versions extends LitElement {
  @property({ attribute: false }) article!: Article;
  @property({ attribute: false }) form!: Form;
  @state() private versions: Version[] | null = null;
  @state() private seen: number | null = null;
  @state() private against: Against = "before";
  @state() private trouble = "";
  private readonly read = new Map<number, Version>();

  protected override createRenderRoot(): this {
    return this;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get("article");
    if (changed.has("article") && (before?.id !== this.article.id || before.version !== this.article.version))
      void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.versions = await kb.versions(this.article.id);
      for (const one of this.versions) if (typeof one.body === "string") this.read.set(one.version, one);
    } catch (error) {
      this.trouble = wordsOf(error);
    }
  }

  /** Long histories may come without their texts: those are fetched when somebody looks. */
  private async fetch(...numbers: number[]): Promise<void> {
    try {
      for (const number of numbers) {
        if (number > 0 && !this.read.has(number))
          this.read.set(
            number,
            await get<Version>(`/articles/${encodeURIComponent(this.article.id)}/versions/${number}`),
          );
      }
      this.trouble = "";
    } catch (error) {
      this.trouble = wordsOf(error);
    }
    this.requestUpdate();
  }

  private look(number: number): void {
    this.seen = this.seen === number ? null : number;
    if (this.seen !== null) void this.fetch(number, number - 1, this.article.version);
  }

  private whole(number: number): string | null {
    const found = this.read.get(number);
    return found ? whole(formOf({ ...found, id: this.article.id })) : number === 0 ? "" : null;
  }

  private comparison(number: number): TemplateResult {
    const other =
      this.against === "before" ? number - 1 : this.against === "newest" ? this.article.version : null;
    const this_ = this.whole(number);
    const that = other === null ? whole(this.form) : this.whole(other);
    if (this_ === null || that === null) return html`<p class="fine">Reading…</p>`;
    const what = "Both compared";
    if (this.against === "before")
      return columns(that, this_, {
        left: other === 0 ? "Nothing before" : `Version ${other}`,
        right: `Version ${number}`,
        what,
      });
    return columns(this_, that, {
      left: `Version ${number}`,
      right: other === null ? "In the form now" : `Version ${other}, the newest`,
      what,
    });
  }

  override render(): TemplateResult {
    const ways: Record<Against, string> = {
      before: "With the one before",
      newest: "With the newest",
      form: "With the form",
    };
    return html`<section class="history" aria-label="Versions">
      ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
      <ol>
        ${(this.versions ?? []).map(
          (one) =>
            html`<li data-testid="version-row">
              <button
                class="small"
                aria-pressed=${this.seen === one.version}
                @click=${() => this.look(one.version)}
              >
                Version ${one.version}
              </button>
              <span class="fine">${moment(one.created_at)} by ${one.created_by}</span>
              ${one.version === this.article.published_version ? html`<span class="tag good">readers see this</span>` : nothing}
              ${
                one.version === this.article.version
                  ? html`<span class="tag">newest</span>`
                  : html`<button
                      class="small"
                      data-testid="version-restore"
                      aria-label=${`Restore version ${one.version}`}
                      @click=${() => this.dispatchEvent(new CustomEvent("restore", { detail: one.version }))}
                    >
                      Restore
                    </button>`
              }
            </li>`,
        )}
      </ol>
      ${
        this.seen !== null
          ? html`<div class="old" data-testid="version-difference">
              <div class="choice" role="group" aria-label="Compare">
                ${(Object.keys(ways) as Against[]).map((name) => html`<button class="small" aria-pressed=${this.against === name} @click=${() => (this.against = name)}>${ways[name]}</button>`)}
              </div>
              ${this.comparison(this.seen)}
            </div>`
          : nothing
      }
    </section>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "fl-versions": Versions;
  }
}

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Article } from "../shared/types";
import type { Form } from "./draft";
import "./usage";
import { kb } from "./api";
import "./known-questions";
import "./links";
import { rebuild } from "./preview";
import "./try-question";

type Name = "preview" | "try" | "known" | "links" | "figures";
const names: Record<Name, string> = {
  preview: "Preview",
  try: "Try a question",
  known: "Questions",
  links: "Links",
  figures: "Figures",
};

/** Beside the text: how readers see it, where it is found, what it must answer, where it leads, how it does. */
@customElement("fl-sheet")
export class Sheet extends LitElement {
  @property({ attribute: false }) article: Article | null = null;
  @property({ attribute: false }) form!: Form;
  @state() private open: Name = "preview";
  @state() private stale = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private previewed: string | null = null;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override updated(_: PropertyValues): void {
    const body = this.form.body;
    if (body === this.previewed) return;
    const first = this.previewed === null;
    this.previewed = body;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.preview(), first ? 0 : 250);
  }

  private async preview(): Promise<void> {
    const body = this.form.body;
    const target = this.querySelector("[data-testid=editor-preview]");
    if (!target) return;
    try {
      const rendered = body.trim() === "" ? "" : await kb.preview(body);
      if (this.form.body === body) {
        target.replaceChildren(rebuild(rendered));
        this.stale = false;
      }
    } catch {
      this.stale = true;
    }
  }

  private readonly walk = (event: KeyboardEvent): void => {
    const all = Object.keys(names) as Name[];
    const here = all.indexOf(this.open);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.open = all[(to + all.length) % all.length]!;
    void this.updateComplete.then(() =>
      this.querySelector<HTMLElement>("[role=tab][aria-selected=true]")?.focus(),
    );
  };

  override render(): TemplateResult {
    const { article, form } = this;
    return html`<div class="tabs" role="tablist" aria-label="About the article" @keydown=${this.walk}>
        ${(Object.keys(names) as Name[]).map(
          (name) =>
            html`<button
              type="button"
              role="tab"
              id=${`tab-${name}`}
              aria-controls="beside"
              aria-selected=${this.open === name}
              tabindex=${this.open === name ? 0 : -1}
              data-testid=${`tab-${name}`}
              @click=${() => (this.open = name)}
            >
              ${names[name]}
            </button>`,
        )}
      </div>
      <div class="beside" id="beside" role="tabpanel" aria-labelledby=${`tab-${this.open}`}>
        <div class="page" tabindex="0" role="region" aria-label="Preview" ?hidden=${this.open !== "preview"}>
          ${this.stale ? html`<p class="fine">Not up to date: the preview could not be made.</p>` : nothing}
          <h2 class="page-name">${form.title || "No name yet"}</h2>
          ${form.summary ? html`<p class="page-summary">${form.summary}</p>` : nothing}
          <div data-testid="editor-preview"></div>
        </div>
        ${this.panel(article, form)}
      </div>`;
  }

  private panel(article: Article | null, form: Form): TemplateResult | typeof nothing {
    switch (this.open) {
      case "try":
        return html`<fl-try class="panel" .article=${article} .form=${form}></fl-try>`;
      case "known":
        return html`<fl-known class="panel" .article=${article} .form=${form}></fl-known>`;
      case "links":
        return html`<fl-links
          class="panel"
          .article=${article}
          .form=${form}
          @line=${(event: CustomEvent<number>) => this.dispatchEvent(new CustomEvent("line", { detail: event.detail }))}
        ></fl-links>`;
      case "figures":
        return html`<fl-figures class="panel" .article=${article} .form=${form}></fl-figures>`;
      default:
        return nothing;
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "fl-sheet": Sheet;
  }
}

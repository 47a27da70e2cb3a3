/** What stands beside the text besides the preview: trying a question, links, known questions, figures. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { wordsOf } from "../shared/api";
import type { Article } from "../shared/types";
import type { Form } from "./draft";

/** A panel that reads something about the saved article when it is first shown, and again for another one. */
export abstract class Panel<T> extends LitElement {
  @property({ attribute: false }) article: Article | null = null;
  @property({ attribute: false }) form!: Form;
  @state() protected found: T | null = null;
  @state() protected trouble = "";
  private of = "";

  protected override createRenderRoot(): this {
    return this;
  }

  protected abstract read(id: string): Promise<T>;
  protected abstract shown(found: T): TemplateResult;

  /** Read again when this changes. */
  protected mark(article: Article): string {
    return article.id;
  }

  protected override willUpdate(_: PropertyValues): void {
    const of = this.article ? this.mark(this.article) : "";
    if (of === this.of) return;
    this.of = of;
    this.found = null;
    if (this.article) void this.load();
  }

  protected async load(): Promise<void> {
    const id = this.article!.id;
    try {
      const found = await this.read(id);
      if (this.article?.id !== id) return;
      this.found = found;
      this.trouble = "";
    } catch (error) {
      this.trouble = wordsOf(error);
    }
  }

  override render(): TemplateResult {
    if (this.article === null) return html`<p class="fine empty">Save the article first.</p>`;
    return html`${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
    ${this.found === null ? (this.trouble ? nothing : html`<p class="fine empty">Reading…</p>`) : this.shown(this.found)}`;
  }
}

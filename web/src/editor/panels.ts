/** What stands beside the text besides the preview: trying a question, links, known questions, figures. */
import { initialState, Task } from "@lit/task";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { wordsOf } from "../shared/api";
import type { Article } from "../shared/types";
import type { Form } from "./draft";

/** A panel that reads something about the saved article when it is first shown, and again for another one. */
export abstract class Panel<T> extends LitElement {
  @property({ attribute: false }) article: Article | null = null;
  @property({ attribute: false }) form!: Form;
  /** What went wrong with an act; what goes wrong with reading is the task's. */
  @state() protected trouble = "";
  private readonly reading = new Task(this, {
    args: () => [this.article ? this.mark(this.article) : null] as const,
    task: async ([of]) => {
      if (this.article === null) return initialState;
      const found = await this.read(this.article.id);
      this.trouble = "";
      return { of, found };
    },
  });

  protected override createRenderRoot(): this {
    return this;
  }

  protected abstract read(id: string): Promise<T>;
  protected abstract shown(found: T): TemplateResult;

  /** Read again when this changes. */
  protected mark(article: Article): string {
    return article.id;
  }

  /** Read again; what was read before is shown until then. */
  protected load(): Promise<void> {
    return this.reading.run();
  }

  override render(): TemplateResult {
    if (this.article === null) return html`<p class="fine empty">Save the article first.</p>`;
    const { value, error } = this.reading;
    const trouble = this.trouble || (error ? wordsOf(error) : "");
    const shown = value?.of === this.mark(this.article) ? this.shown(value.found) : null;
    return html`${trouble ? html`<p class="trouble" role="alert">${trouble}</p>` : nothing}
    ${shown ?? (trouble ? nothing : html`<p class="fine empty">Reading…</p>`)}`;
  }
}

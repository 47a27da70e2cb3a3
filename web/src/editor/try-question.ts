import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { call, wordsOf } from "../shared/api";
import { percent } from "../shared/format";
import type { Article } from "../shared/types";
import { sentOf, type Form } from "./draft";
import { value } from "./fields";
import type { RankedOut, StandingOut, TriedOut } from "../shared/api.generated";
import { kb } from "./api";

const placed = (rank: number | null): string => (rank === null ? "Not found" : `Place ${rank}`);

/** Where this article stands for a question: as published, and with the text in the form. */
@customElement("fl-try")
export class TryPanel extends LitElement {
  @property({ attribute: false }) article: Article | null = null;
  @property({ attribute: false }) form!: Form;
  @state() private question = "";
  @state() private asked = "";
  @state() private tried: TriedOut | null = null;
  @state() private busy = false;
  @state() private trouble = "";
  @state() private kept = "";

  protected override createRenderRoot(): this {
    return this;
  }

  private readonly go = async (event: Event): Promise<void> => {
    event.preventDefault();
    const question = this.question.trim();
    if (this.article === null || question === "" || this.busy) return;
    this.busy = true;
    this.trouble = this.kept = "";
    try {
      this.tried = await kb.attempt(this.article.id, question, sentOf(this.form));
      this.asked = question;
    } catch (error) {
      this.trouble = wordsOf(error);
    }
    this.busy = false;
  };

  private readonly keep = async (): Promise<void> => {
    try {
      await call("POST", `/articles/${encodeURIComponent(this.article!.id)}/questions`, {
        body: { question: this.asked },
      });
      this.kept = "It is one of the known questions now: each publishing is checked by it.";
    } catch (error) {
      this.kept = wordsOf(error);
    }
  };

  override render(): TemplateResult {
    if (this.article === null) return html`<p class="fine empty">Save the article first.</p>`;
    return html`<form class="ask" @submit=${this.go}>
        <label for="question">A question, as somebody would put it</label>
        <div class="ask-row">
          <input
            id="question"
            maxlength="1000"
            autocomplete="off"
            .value=${this.question}
            data-testid="try-question"
            @input=${(event: Event) => (this.question = value(event))}
          />
          <button class="primary" ?disabled=${this.busy || this.question.trim() === ""} data-testid="try-go">
            Try
          </button>
        </div>
      </form>
      ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
      <div aria-live="polite" aria-busy=${this.busy}>
        ${this.tried ? this.result(this.tried) : html`<p class="fine empty">Shows where this article comes now, and where with your changes, saved or not.</p>`}
      </div>
      ${this.tried ? html`<p><button class="small" data-testid="try-keep" @click=${this.keep}>Keep as a known question</button> <span class="fine" role="status">${this.kept}</span></p>` : nothing}`;
  }

  private result({ before, after }: TriedOut): TemplateResult {
    const gain = (before.rank ?? 99) - (after.rank ?? 99);
    return html`<div class="ranks" data-testid="try-result">
      ${this.side("As readers find it", before, "before")}
      ${this.side("With your text", after, "after", gain)}
    </div>`;
  }

  private side(name: string, one: StandingOut, which: string, gain = 0): TemplateResult {
    return html`<section class="rank" data-testid=${`try-${which}`}>
      <h2>${name}</h2>
      <p class="rank-place">
        ${placed(one.rank)}
        ${gain > 0 ? html`<span class="tag good">better</span>` : gain < 0 ? html`<span class="tag bad">worse</span>` : nothing}
      </p>
      <p class="fine">The first answers it with a probability of ${percent(one.probability)}</p>
      <ol>
        ${one.hits.slice(0, 5).map((hit) => this.hit(hit))}
      </ol>
    </section>`;
  }

  private hit(hit: RankedOut): TemplateResult {
    return html`<li class=${hit.article_id === this.article?.id ? "own" : ""}>
      <strong>${hit.title}</strong>${hit.quote ? html`<span class="fine">${hit.quote}</span>` : nothing}
    </li>`;
  }
}

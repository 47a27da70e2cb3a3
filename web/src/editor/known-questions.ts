import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { call, get, wordsOf } from "../shared/api";
import type { KnownListOut, KnownOut } from "../shared/api.generated";
import { value } from "./fields";
import { Panel } from "./panels";

/** The questions that this article must answer: publishing is checked by them. */
@customElement("fl-known")
export class KnownPanel extends Panel<KnownOut[]> {
  @state() private fresh = "";

  private get path(): string {
    return `/articles/${encodeURIComponent(this.article!.id)}/questions`;
  }

  protected override async read(): Promise<KnownOut[]> {
    return (await get<KnownListOut>(this.path)).questions;
  }

  private readonly add = async (event: Event): Promise<void> => {
    event.preventDefault();
    const question = this.fresh.trim();
    if (question === "") return;
    try {
      await call("POST", this.path, { body: { question } });
      this.fresh = "";
      await this.load();
    } catch (error) {
      this.trouble = wordsOf(error);
    }
  };

  private async drop(one: KnownOut): Promise<void> {
    try {
      await call("DELETE", `${this.path}/${encodeURIComponent(one.id)}`);
      await this.load();
      this.querySelector<HTMLInputElement>("input")?.focus();
    } catch (error) {
      this.trouble = wordsOf(error);
    }
  }

  protected override shown(found: KnownOut[]): TemplateResult {
    return html`<form class="ask" @submit=${this.add}>
        <label for="known">A question that this article must answer</label>
        <div class="ask-row">
          <input
            id="known"
            maxlength="1000"
            autocomplete="off"
            .value=${this.fresh}
            data-testid="known-question"
            @input=${(event: Event) => (this.fresh = value(event))}
          />
          <button class="primary" ?disabled=${this.fresh.trim() === ""} data-testid="known-add">Add</button>
        </div>
      </form>
      ${found.length === 0 ? html`<p class="fine empty">None yet. Publishing says what becomes of each.</p>` : nothing}
      <ul class="known" aria-live="polite">
        ${found.map(
          (one) =>
            html`<li data-testid="known-row">
              <span>${one.question}</span>
              <span class="fine">${one.source}</span>
              <button
                class="small"
                aria-label=${`Remove: ${one.question}`}
                @click=${() => void this.drop(one)}
              >
                Remove
              </button>
            </li>`,
        )}
      </ul>`;
  }
}

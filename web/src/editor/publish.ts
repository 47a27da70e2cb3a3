import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { percent } from "../shared/format";
import type { Article } from "../shared/types";
import { value } from "./fields";
import type { GateOut, MovedOut } from "../shared/api.generated";

const rank = (place: number | null): string => (place === null ? "not found" : `place ${place}`);

/** Known questions before and after: the share whose first hit is right, and nDCG of the first ten. */
export function numbers(gate: GateOut): TemplateResult {
  if (gate.after.n === 0) return html`<p class="fine">There are no known questions to check by yet.</p>`;
  const row = (
    name: string,
    before: number,
    after: number,
    shown: (share: number) => string,
  ): TemplateResult =>
    html`<tr>
      <th scope="row">${name}</th>
      <td>${shown(before)}</td>
      <td>${shown(after)} ${tone(after - before)}</td>
    </tr>`;
  return html`<table class="gate" data-testid="gate">
    <caption>
      ${gate.after.n} known ${gate.after.n === 1 ? "question" : "questions"}
    </caption>
    <thead>
      <tr>
        <td></td>
        <th scope="col">Now</th>
        <th scope="col">With this</th>
      </tr>
    </thead>
    <tbody>
      ${row("Right at first (hit@1)", gate.before.hit1, gate.after.hit1, percent)}
      ${row("Order of ten (nDCG)", gate.before.ndcg10, gate.after.ndcg10, (share) => share.toFixed(3))}
    </tbody>
  </table>`;
}

function tone(change: number): TemplateResult | typeof nothing {
  if (Math.abs(change) < 0.0005) return nothing;
  return change > 0 ? html`<span class="tag good">better</span>` : html`<span class="tag bad">worse</span>`;
}

export function worse(list: readonly MovedOut[]): TemplateResult {
  return html`<ul class="worse" data-testid="gate-worse">
    ${list.map((one) => html`<li><strong>${one.question}</strong><span class="fine">${one.article}: ${rank(one.rank_before)} now, then ${rank(one.rank_after)}</span></li>`)}
  </ul>`;
}

/** What becomes of known questions, and when to publish. Fires `publish` with null for now, or a moment. */
@customElement("fl-publish")
export class PublishDialog extends LitElement {
  @property({ attribute: false }) article: Article | null = null;
  @state() private gate: GateOut | null = null;
  @state() private trouble = "";
  @state() private waiting = false;
  @state() private later = false;
  @state() private at = "";

  protected override createRenderRoot(): this {
    return this;
  }

  /** Open with the gate's answer, or with a promise of it. */
  async open(gate: GateOut | Promise<GateOut>, later: boolean): Promise<void> {
    this.later = later;
    this.at = "";
    this.trouble = "";
    this.gate = null;
    this.waiting = true;
    this.querySelector("dialog")?.showModal();
    try {
      this.gate = await gate;
    } catch {
      this.trouble = "The known questions could not be checked.";
    }
    this.waiting = false;
  }

  private close(): void {
    this.querySelector("dialog")?.close();
  }

  private readonly go = (event: Event): void => {
    event.preventDefault();
    const when = this.later ? new Date(this.at) : null;
    if (when !== null && !(when.getTime() > Date.now())) {
      this.trouble = "Choose a time that is still to come.";
      return;
    }
    this.close();
    this.dispatchEvent(new CustomEvent("publish", { detail: when?.toISOString() ?? null }));
  };

  override render(): TemplateResult {
    const bad = this.gate?.worse ?? [];
    return html`<dialog aria-labelledby="publish-name" data-testid="publish-dialog">
      <form @submit=${this.go}>
        <h2 id="publish-name">
          ${bad.length > 0 ? "This makes other answers worse" : `Publish version ${this.article?.version ?? ""}`}
        </h2>
        <div aria-live="polite">
          ${this.waiting ? html`<p class="fine">Asking the known questions…</p>` : nothing}
          ${this.gate ? numbers(this.gate) : nothing}
          ${
            bad.length > 0
              ? html`<p>
                    ${bad.length === 1 ? "One question finds" : `${bad.length} questions find`} the right
                    article later than now:
                  </p>
                  ${worse(bad)}`
              : nothing
          }
        </div>
        <fieldset class="when">
          <legend>When</legend>
          <label
            ><input type="radio" name="when" .checked=${!this.later} @change=${() => (this.later = false)} />
            Now</label
          >
          <label
            ><input
              type="radio"
              name="when"
              .checked=${this.later}
              data-testid="publish-later"
              @change=${() => (this.later = true)}
            />
            Later, at</label
          >
          <input
            type="datetime-local"
            aria-label="Moment of publishing"
            .value=${this.at}
            ?disabled=${!this.later}
            ?required=${this.later}
            data-testid="publish-at"
            @input=${(event: Event) => (this.at = value(event))}
          />
        </fieldset>
        ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
        <div class="actions">
          <button type="button" class="second" @click=${() => this.close()}>Cancel</button>
          <button class=${bad.length > 0 ? "warn" : "primary"} data-testid="publish-confirm">
            ${this.later ? "Schedule" : bad.length > 0 ? "Publish anyway" : "Publish"}
          </button>
        </div>
      </form>
    </dialog>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "fl-publish": PublishDialog;
  }
}

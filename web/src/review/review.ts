import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { get, wordsOf } from "../shared/api";
import { caseOutcome, moment, reason, took } from "../shared/format";
import * as icons from "../shared/icons";
import { StaffPage } from "../shared/page";
import type { ReviewList } from "../shared/api.generated";
import { attempt, intentLine, outcomeTag, ranking } from "../shared/attempt-view";
import type { ChatEvent, Review, ReviewRow } from "../shared/types";
import { card } from "../widget/cards";
import { linked } from "../widget/text";
import { steps, type Step } from "./turns";

const outcomes = ["verified", "assumed", "reopened", "escalated", "abandoned", "failed", "open"];
const owners: Record<string, string> = { queue: "waits for a person", agent: "with a person" };
const pageSize = 50;

/** Read conversations turn by turn: what was said, what was understood, what was done. */
@customElement("fl-review")
export class ReviewPage extends StaffPage {
  protected override readonly path = "/review";
  @state() private rows: ReviewRow[] | null = null;
  @state() private more = false;
  @state() private text = "";
  @state() private outcome = "";
  @state() private review: Review | null = null;
  @state() private selected: string | null = null;
  @state() private trouble = "";
  @state() private listTrouble = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked: AbortController | null = null;

  protected override entered(): void {
    void this.list();
    void this.follow();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.follow);
    addEventListener("keydown", this.press);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.follow);
    removeEventListener("keydown", this.press);
  }

  private readonly follow = async (): Promise<void> => {
    const id = /^#(cnv_\w+)$/.exec(location.hash)?.[1] ?? null;
    if (id === this.selected && this.review !== null) return;
    this.selected = id;
    this.review = null;
    this.trouble = "";
    if (id === null) return;
    try {
      const found = await get<Review>(`/review/conversations/${id}`);
      if (this.selected === id) this.review = found;
    } catch (error) {
      if (this.selected === id) this.trouble = wordsOf(error);
    }
  };

  private readonly press = (event: KeyboardEvent): void => {
    const target = event.composedPath()[0];
    if (
      !(target instanceof HTMLElement) ||
      target.matches("input, textarea, select") ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    if (event.key === "Escape" && this.selected !== null) location.hash = "";
  };

  private async list(after?: ReviewRow): Promise<void> {
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    const query = new URLSearchParams({ limit: String(pageSize) });
    if (this.outcome) query.set("outcome", this.outcome);
    if (this.text.trim()) query.set("q", this.text.trim());
    if (after) query.set("before", after.id);
    try {
      const { conversations } = await get<ReviewList>(`/review/conversations?${query}`, asked.signal);
      this.rows = after ? [...(this.rows ?? []), ...conversations] : conversations;
      this.more = conversations.length === pageSize;
      this.listTrouble = "";
      if (!after && (this.text || this.outcome))
        this.say(`${conversations.length}${this.more ? " or more" : ""} found.`);
    } catch (error) {
      if (!asked.signal.aborted) this.listTrouble = wordsOf(error);
    }
  }

  private listSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.list(), 220);
  }

  protected override content(): TemplateResult {
    return html`<main id="main" class="reading-room" data-open=${this.selected !== null}>
      <h1 class="unseen">Review</h1>
      ${this.sidebar()} ${this.reading()}
    </main>`;
  }

  private sidebar(): TemplateResult {
    return html`<section class="shelf" aria-label="Conversations">
      <div class="shelf-head">
        <input
          type="search"
          aria-label="Search conversations"
          placeholder="Search what was said"
          .value=${this.text}
          data-testid="review-search"
          @input=${(event: Event) => {
            this.text = (event.target as HTMLInputElement).value;
            this.listSoon();
          }}
        />
        <select
          aria-label="Outcome"
          data-testid="review-outcome"
          @change=${(event: Event) => {
            this.outcome = (event.target as HTMLSelectElement).value;
            void this.list();
          }}
        >
          <option value="">Any outcome</option>
          ${outcomes.map((name) => html`<option value=${name}>${name.charAt(0).toUpperCase() + name.slice(1)}</option>`)}
        </select>
      </div>
      ${this.listTrouble ? html`<p class="trouble" role="alert">${this.listTrouble}</p>` : nothing}
      <div class="shelf-list">${this.rowsShown()}</div>
    </section>`;
  }

  private rowsShown(): TemplateResult {
    if (this.rows === null) return html`<p class="fine empty">Reading…</p>`;
    if (this.rows.length === 0)
      return html`<p class="fine empty" data-testid="review-none">
        ${this.text || this.outcome ? "No conversation is like that." : "There are no conversations yet."}
      </p>`;
    return html`<ul>
        ${this.rows.map((row) => html`<li>${this.row(row)}</li>`)}
      </ul>
      ${this.more ? html`<button class="second more" data-testid="review-more" @click=${() => void this.list(this.rows?.at(-1))}>Show older ones</button>` : nothing}`;
  }

  private row(row: ReviewRow): TemplateResult {
    return html`<a
      href="#${row.id}"
      data-testid="review-row"
      aria-current=${row.id === this.selected ? "true" : nothing}
    >
      <span class="row-top"
        ><strong>${row.contact_name}</strong>
        <time class="fine" datetime=${row.last_at}>${moment(row.last_at)}</time></span
      >
      <span class="row-said">${row.last_text || "Nothing was said."}</span>
      <span class="fine row-facts"
        >${row.turns}
        ${row.turns === 1 ? "turn" : "turns"}${owners[row.owner] ? ` · ${owners[row.owner]}` : ""}
        ${outcomeTag(row.outcome)}</span
      >
    </a>`;
  }

  private reading(): TemplateResult {
    if (this.selected === null) {
      return html`<section class="desk none" aria-label="Conversation">
        <div>
          <p class="calm">Choose a conversation.</p>
          <p class="fine">
            Each turn shows what the user wrote, which intent was understood, and what the assistant did.
          </p>
        </div>
      </section>`;
    }
    if (this.review === null) {
      return html`<section class="desk none" aria-label="Conversation">
        ${
          this.trouble
            ? html`<div>
                <p class="trouble" role="alert">${this.trouble}</p>
                <a href="#">Back to the list</a>
              </div>`
            : html`<p class="fine" role="status">Reading…</p>`
        }
      </section>`;
    }
    const review = this.review;
    let turn = 0;
    return html`<section class="desk" aria-label="Conversation" tabindex="0">
      <header class="desk-head">
        <a class="round back" href="#" aria-label="Back to all conversations">${icons.back}</a>
        <div>
          <h2>${review.contact_name}</h2>
          <p class="fine">
            Began ${moment(review.conversation.created_at)} · ${review.turns.length}
            ${review.turns.length === 1 ? "turn" : "turns"}, ${review.attempts.length}
            ${review.attempts.length === 1 ? "attempt" : "attempts"} · <code>${review.conversation.id}</code>
          </p>
        </div>
      </header>
      <ol class="steps">
        ${steps(review).map((step) => this.step(step, step.kind === "turn" ? (turn += 1) : 0))}
      </ol>
    </section>`;
  }

  private step(step: Step, number: number): TemplateResult {
    if (step.kind === "event")
      return html`<li class="between" data-testid="review-event">${this.event(step.event)}</li>`;
    const { turn, said, attempts } = step;
    return html`<li class="turn-step" data-testid="review-turn" data-intent=${turn.intent ?? ""}>
      <h3>
        <span class="number" aria-hidden="true">${number}</span><span class="unseen">Turn ${number}:</span>
        <span class="words">“${turn.text}”</span>
      </h3>
      ${turn.choice ? html`<p class="fine">Chosen from a button: <code>${turn.choice}</code></p>` : nothing}
      <div class="understood">
        ${turn.intent ? intentLine(turn.intent, turn.confidence) : html`<p class="fine">Nothing was understood.</p>`}
        ${turn.ranking.length > 1 ? ranking(turn.ranking, turn.intent) : nothing}
      </div>
      ${
        attempts.length
          ? html`<ol class="attempts">
              ${attempts.map(attempt)}
            </ol>`
          : nothing
      }
      <div class="answers">
        ${said.length ? said.map((event) => this.event(event)) : html`<p class="fine">The assistant said nothing.</p>`}
      </div>
      <p class="fine facts">
        ${turn.status === "done" ? nothing : html`<span class="tag ${turn.status === "failed" ? "bad" : "person"}">${turn.status}</span>`}
        ${turn.error ? html`<code>${turn.error}</code>` : nothing}
        ${turn.duration_ms === null ? nothing : took(turn.duration_ms)}${turn.model ? html`<span>Model <code>${turn.model}</code></span>` : nothing}
      </p>
    </li>`;
  }

  private event(event: ChatEvent): TemplateResult {
    if (event.type === "message") {
      const { text, card: shown, buttons } = event.data;
      return html`<div class="message ${event.author.kind}">
        ${event.turn === null || event.author.kind === "system" ? html`<p class="who-said">${event.author.kind === "system" ? "Firstline" : (event.author.name ?? event.author.kind)} <time datetime=${event.at}>${moment(event.at)}</time></p>` : nothing}
        ${text ? html`<div class="bubble">${linked(text, "")}</div>` : nothing}
        ${shown ? card(shown, "") : nothing}
        ${buttons?.length ? html`<p class="offered">Offered: ${buttons.map((button) => html`<span title=${button.payload}>${button.title}</span>`)}</p>` : nothing}
      </div>`;
    }
    return html`<p class="aside">
      ${icons.person}<span>${noted(event)}</span> <time datetime=${event.at}>${moment(event.at)}</time>
    </p>`;
  }
}

function noted(event: Exclude<ChatEvent, { type: "message" }>): string {
  switch (event.type) {
    case "handoff":
      return `Handed over: ${reason(event.data.reason).toLowerCase()}, priority ${event.data.priority}`;
    case "owner_changed":
      return event.data.owner.kind === "bot"
        ? "The assistant has the conversation again"
        : event.data.owner.kind === "queue"
          ? "Waits for a person"
          : `${event.data.owner.name ?? "An agent"} has the conversation`;
    case "case_resolved":
      return `Closed: ${caseOutcome(event.data.outcome).toLowerCase()}`;
    case "feedback":
      return event.data.helpful ? "The user said that it helped" : "The user said that it did not help";
    case "notice":
      return `Told without being asked: ${event.data.text}`;
  }
}

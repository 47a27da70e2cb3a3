import { Task } from "@lit/task";
import { html, LitElement, nothing, svg, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { call, get, wordsOf } from "../shared/api";
import type { ClusterOut, ClustersOut } from "../shared/api.generated";
import { percent, span } from "../shared/format";
import type { Article } from "../shared/types";

/** Questions that found no answer or a bad one, gathered by what they are about, the costliest first. */
@customElement("fl-unanswered")
export class UnansweredQuestions extends LitElement {
  private readonly reading = new Task(this, {
    args: () => [] as const,
    task: async (_, { signal }) => (await get<ClustersOut>("/questions/in-vain", signal)).clusters,
  });
  @state() private dismissed: ReadonlySet<string> = new Set();
  @state() private trouble = "";
  @state() private busy = "";

  protected override createRenderRoot(): this {
    return this;
  }

  private async draft(one: ClusterOut): Promise<void> {
    this.busy = one.id;
    try {
      const article = await call<Article>("POST", `/questions/in-vain/${encodeURIComponent(one.id)}/draft`, {
        within: 60_000,
      });
      location.hash = article.id;
    } catch (error) {
      this.trouble = wordsOf(error);
    }
    this.busy = "";
  }

  private async dismiss(one: ClusterOut): Promise<void> {
    this.busy = one.id;
    try {
      await call("POST", `/questions/in-vain/${encodeURIComponent(one.id)}/dismiss`);
      this.dismissed = new Set([...this.dismissed, one.id]);
      this.dispatchEvent(new CustomEvent("said", { detail: `“${one.label}” is dismissed.` }));
      this.querySelector<HTMLElement>("h2")?.focus();
    } catch (error) {
      this.trouble = wordsOf(error);
    }
    this.busy = "";
  }

  override render(): TemplateResult {
    return html`<p class="lead">
        Questions that got no answer, one that did not help, or a person, in the users' words; names,
        addresses and numbers are masked.
      </p>
      ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
      ${this.reading.render({
        pending: () => html`<p class="fine">Reading…</p>`,
        error: (error) => html`<p class="trouble" role="alert">${wordsOf(error)}</p>`,
        complete: (found) => this.list(found.filter((one) => !this.dismissed.has(one.id))),
      })}`;
  }

  private list(clusters: ClusterOut[]): TemplateResult {
    if (clusters.length === 0) return html`<p class="calm">There are no unanswered questions.</p>`;
    const most = Math.max(1, ...clusters.map((one) => one.cost_minutes));
    return html`<ol class="clusters">
      ${clusters.map((one) => this.cluster(one, most))}
    </ol>`;
  }

  private cluster(one: ClusterOut, most: number): TemplateResult {
    return html`<li class="cluster" data-testid="cluster">
      <div class="cluster-head">
        <h2 tabindex="-1">${one.label}</h2>
        ${this.trend(one.trend)}
      </div>
      <dl class="figures">
        <div>
          <dt>Asked</dt>
          <dd><strong>${one.count}</strong></dd>
        </div>
        <div>
          <dt>Went to a person</dt>
          <dd><strong>${one.handoffs}</strong></dd>
        </div>
        <div>
          <dt>Cost of that</dt>
          <dd>
            <strong>${span(one.cost_minutes * 60)}</strong
            ><span class="bar" aria-hidden="true"
              ><svg viewBox="0 0 100 4" preserveAspectRatio="none">
                <rect width=${(one.cost_minutes / most) * 100} height="4"></rect></svg
            ></span>
          </dd>
        </div>
      </dl>
      <ul class="examples">
        ${one.examples.slice(0, 4).map((words) => html`<li>${words}</li>`)}
      </ul>
      ${one.article_id ? this.since(one) : nothing}
      <div class="desk-acts">
        ${
          one.article_id
            ? html`<a class="second" href="#${one.article_id}">Open the article</a>`
            : html`<button
                class="primary"
                ?disabled=${this.busy !== ""}
                data-testid="cluster-draft"
                @click=${() => void this.draft(one)}
              >
                ${this.busy === one.id ? "Drafting…" : "Draft an article"}
              </button>`
        }
        <button
          class="second"
          ?disabled=${this.busy !== ""}
          data-testid="cluster-dismiss"
          @click=${() => void this.dismiss(one)}
        >
          Dismiss
        </button>
      </div>
    </li>`;
  }

  /** Whether it got better since its article was published. */
  private since(one: ClusterOut): TemplateResult {
    const shown = (share: number): string => (share <= 1 ? percent(share) : String(share));
    if (one.before == null || one.after == null)
      return html`<p class="fine">An article is being written for it.</p>`;
    return html`<p>
      <span class="tag ${one.after > one.before ? "good" : one.after < one.before ? "bad" : ""}"
        >${one.after > one.before ? "Better" : one.after < one.before ? "Worse" : "As before"}</span
      >
      Found before: ${shown(one.before)}, since: ${shown(one.after)}
    </p>`;
  }

  private trend(trend: readonly number[]): TemplateResult | typeof nothing {
    if (trend.length < 2) return nothing;
    const most = Math.max(1, ...trend);
    const points = trend
      .map((count, at) => `${(at / (trend.length - 1)) * 96 + 2},${22 - (count / most) * 20}`)
      .join(" ");
    return html`<svg
      class="trend"
      viewBox="0 0 100 24"
      role="img"
      aria-label=${`Asked lately: ${trend.join(", ")}`}
    >
      ${svg`<polyline points=${points} fill="none"></polyline>`}
    </svg>`;
  }
}

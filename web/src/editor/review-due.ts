import { Task } from "@lit/task";
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { get, wordsOf } from "../shared/api";
import type { StaleListOut, StaleOut } from "../shared/api.generated";
import { day, human } from "../shared/format";

/** Published articles that somebody should read again: past their day first, then the old ones that are much used. */
@customElement("fl-review-due")
export class ReviewDue extends LitElement {
  private readonly reading = new Task(this, {
    args: () => [] as const,
    task: async (_, { signal }) => (await get<StaleListOut>("/articles/stale", signal)).articles,
  });

  protected override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    const today = new Date().toISOString().slice(0, 10);
    return html`<p class="lead">
        Articles past their review date come first, then those that are old and shown often.
      </p>
      ${this.reading.render({
        pending: () => html`<p class="fine">Reading…</p>`,
        error: (error) => html`<p class="trouble" role="alert">${wordsOf(error)}</p>`,
        complete: (found) =>
          found.length === 0 ? html`<p class="calm">No review is due.</p>` : this.table(found, today),
      })}`;
  }

  private table(found: StaleOut[], today: string): TemplateResult {
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Review due">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Article</th>
            <th scope="col">Area</th>
            <th scope="col">Last written</th>
            <th scope="col">Shown</th>
            <th scope="col">Review by</th>
          </tr>
        </thead>
        <tbody>
          ${found.map(
            (one) =>
              html`<tr data-testid="review-due-row">
                <th scope="row"><a href="#${one.id}">${one.title}</a></th>
                <td>${human(one.area)}</td>
                <td>${day(one.updated_at)} <span class="fine">${one.age_days} days ago</span></td>
                <td>${one.shown}</td>
                <td>
                  ${one.review_by ? html`<span class="tag ${one.review_by < today ? "bad" : ""}">${one.review_by}</span>` : nothing}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }
}

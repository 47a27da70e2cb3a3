import { html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { get } from "../shared/api";
import type { LinksOut } from "../shared/api.generated";
import type { Article } from "../shared/types";
import { Panel } from "./panels";

/** Links of the saved text that lead nowhere, and those that leave. Nobody fetches what is outside. */
@customElement("fl-links")
export class LinksPanel extends Panel<LinksOut> {
  protected override mark(article: Article): string {
    return `${article.id} ${article.version}`;
  }

  protected override read(id: string): Promise<LinksOut> {
    return get<LinksOut>(`/articles/${encodeURIComponent(id)}/links`);
  }

  protected override shown({ broken, external }: LinksOut): TemplateResult {
    return html`<p class=${broken.length ? "" : "fine"} role="status">
        ${broken.length === 0 ? "Every link to articles and headings leads somewhere." : html`<span class="tag bad">${broken.length} broken</span>`}
      </p>
      <ul class="links" data-testid="links-broken">
        ${broken.map(
          (one) =>
            html`<li>
              <code>${one.url}</code>
              <span class="fine">${one.problem ?? "It leads nowhere."}</span>
              ${one.line ? html`<button class="small" @click=${() => this.dispatchEvent(new CustomEvent("line", { detail: one.line }))}>Line ${one.line}</button>` : nothing}
            </li>`,
        )}
      </ul>
      ${
        external.length
          ? html`<h2>To other places</h2>
              <p class="fine">These are not visited; open them to see.</p>
              <ul class="links">
                ${external.map((one) => this.outside(one.url))}
              </ul>`
          : nothing
      }
      <p class="fine">
        Of the saved text. <button class="small" @click=${() => void this.load()}>Check again</button>
      </p>`;
  }

  private outside(url: string): TemplateResult {
    return /^(https?|mailto):/i.test(url)
      ? html`<li><a href=${url} target="_blank" rel="noopener noreferrer">${url}</a></li>`
      : html`<li><code>${url}</code></li>`;
  }
}

import { html, nothing, type TemplateResult } from "lit";
import * as icons from "./icons";
import { clock, day, helpAddress, words } from "./text";
import type { ArticleCard, Card, OrdersCard, ResolutionCard, StepUpCard } from "../shared/wire";

export function card(given: Card, baseUrl: string): TemplateResult | typeof nothing {
  switch (given.type) {
    case "article":
      return article(given, baseUrl);
    case "resolution":
      return resolution(given);
    case "orders":
      return orders(given);
    case "step_up":
      return stepUp(given);
    default:
      return nothing;
  }
}

function article(given: ArticleCard, baseUrl: string): TemplateResult {
  const href = helpAddress(given.url, baseUrl);
  return html`<div
    role="group"
    class="card article"
    data-testid="article-card"
    aria-label="Help article: ${given.title}"
  >
    <blockquote>${given.quote}</blockquote>
    <p class="source">
      ${icons.page}
      ${
        href === null
          ? html`<span>${given.title}</span>`
          : html`<a href=${href} target="_blank" rel="noopener noreferrer"
              >${given.title}<span class="unseen"> (opens in a new tab)</span></a
            >`
      }
    </p>
  </div>`;
}

const outcomes = {
  verified: { icon: icons.tick, word: "Checked" },
  failed: { icon: icons.cross, word: "Not fixed" },
  assumed: { icon: icons.question, word: "Not confirmed" },
};

function resolution(given: ResolutionCard): TemplateResult {
  const shown = outcomes[given.outcome] ?? outcomes.assumed;
  const facts = Array.isArray(given.facts) ? given.facts : [];
  return html`<div
    role="group"
    class="card proof ${given.outcome}"
    data-testid="proof-card"
    data-outcome=${given.outcome}
    aria-label="${shown.word}: ${given.title}"
  >
    <div class="head"><span class="seal">${shown.icon}</span><strong>${given.title}</strong></div>
    ${
      facts.length === 0
        ? nothing
        : html`<dl>
            ${facts.map((fact) => {
              const [before, after] = [words(fact.before), words(fact.after)];
              return html`<div>
                <dt>${fact.label}</dt>
                <dd>
                  ${
                    before === after
                      ? nothing
                      : html`<span class="before"><span class="unseen">was </span>${before}</span>
                          <span class="turn">${icons.arrow}<span class="unseen">, now </span></span>`
                  }
                  <span class="after">${after}</span>
                </dd>
              </div>`;
            })}
          </dl>`
    }
    <footer>
      ${
        given.checked_at
          ? html`${given.outcome === "verified" ? "Checked in your account at" : `${shown.word}. Last looked at`}
              <time datetime=${given.checked_at}>${clock(given.checked_at)}</time>`
          : shown.word
      }
    </footer>
  </div>`;
}

/** A path is the page's own; anything else must be a web address. */
function stepUp(given: StepUpCard): TemplateResult {
  const href = given.url !== null && /^(\/[^/\\]|https?:\/\/)/.test(given.url) ? given.url : null;
  return html`<div role="group" class="card step-up" data-testid="step-up-card" aria-label=${given.title}>
    <strong>${icons.person} ${given.title}</strong>
    ${
      href === null
        ? html`<p>Open your security settings and confirm there.</p>`
        : html`<a href=${href} target="_blank" rel="noopener"
            >Confirm now<span class="unseen"> (opens in a new tab)</span></a
          >`
    }
  </div>`;
}

function orders(given: OrdersCard): TemplateResult {
  return html`<ul class="card orders" data-testid="orders-card" aria-label="Orders">
    ${(given.orders ?? []).map(
      (order) =>
        html`<li>
          <div class="row">
            <strong>${order.number}</strong><span class="state ${order.status}">${words(order.status)}</span>
          </div>
          ${order.items?.length ? html`<div class="items">${order.items.join(", ")}</div>` : nothing}
          ${
            order.expected
              ? html`<div class="when">
                  ${order.status === "delivered" ? "Due" : "Expected"}
                  <time datetime=${order.expected}>${day(order.expected)}</time>
                </div>`
              : nothing
          }
        </li>`,
    )}
  </ul>`;
}

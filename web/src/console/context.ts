import { html, nothing, type TemplateResult } from "lit";
import { human, moment, reason } from "../shared/format";
import * as icons from "../shared/icons";
import { attempt, intentLine, ranking } from "../shared/attempt-view";
import type { Case, Joined, Packet } from "../shared/types";
import { groups, type Group } from "./snapshot";

/** What the user wrote in further conversations; the assistant has those, the agent answers in the case's own. */
export function joined(found: Joined[], inAll: number): TemplateResult | typeof nothing {
  if (!found?.length) return nothing;
  return html`<section data-testid="case-joined">
    <h3>${inAll} more ${inAll === 1 ? "conversation" : "conversations"} of theirs</h3>
    <p class="fine">They were told that you answer in this one.</p>
    <ul>
      ${found.map(
        (one) =>
          html`<li>
            ${one.said.length ? one.said.map((words) => html`<p>“${words}”</p>`) : html`<p>Nothing was written.</p>`}
            <p class="fine">${moment(one.joined_at)} · ${reason(one.reason)}</p>
          </li>`,
      )}
    </ul>
    ${inAll > found.length ? html`<p class="fine">The latest ${found.length} are shown.</p>` : nothing}
  </section>`;
}

/** Everything that was handed over with a case. */
export function context(one: Case, packet: Packet | null): TemplateResult {
  if (packet === null) return html`<p class="fine">No context came with this case.</p>`;
  const { summary } = packet;
  const state = packet.state.parts ? groups(packet.state.parts) : [];
  const problems = state.filter((group) => group.problems.length > 0);
  return html`
    <section class="summary">
      <h3>In short</h3>
      <p>${summary.wants}</p>
      <p>${summary.tried}</p>
      ${packet.state.parts && problems.length === 0 ? html`<p>${summary.seen}</p>` : nothing}
      ${
        summary.assistant
          ? html`<details class="noted" ?open=${summary.assistant.length < 140}>
              <summary>The assistant's own notes</summary>
              <p>${summary.assistant}</p>
            </details>`
          : nothing
      }
      <p class="fine">
        ${reason(one.reason)} · ${one.contact.email ?? "no e-mail address"} ·
        <code>${one.contact.ref}</code> at ${one.contact.host}
      </p>
    </section>
    ${
      packet.missing.length
        ? html`<p class="gap">
            ${icons.alert}<span
              >Could not be collected: ${packet.missing.join(", ")}. ${packet.state.problem ?? ""}</span
            >
          </p>`
        : nothing
    }
    ${
      problems.length
        ? html`<section>
            <h3>Stands out in the application</h3>
            <ul class="problems" data-testid="problems">
              ${problems.map(
                (group) =>
                  html`<li>
                    ${icons.alert}
                    <div>
                      <strong>${group.name}</strong>
                      <ul>
                        ${group.problems.map((problem) => html`<li>${problem}</li>`)}
                      </ul>
                    </div>
                  </li>`,
              )}
            </ul>
          </section>`
        : nothing
    }
    <section>
      <h3>What the assistant tried</h3>
      ${
        packet.attempts.length
          ? html`<ol class="attempts">
              ${packet.attempts.map(attempt)}
            </ol>`
          : html`<p class="fine">Nothing yet.</p>`
      }
    </section>
    ${
      packet.articles.length
        ? html`<section>
            <h3>Articles the user was shown</h3>
            <ul class="articles">
              ${shownArticles(packet).map(
                (shown) =>
                  html`<li>
                    <a
                      href=${shown.url.startsWith("/help/") ? shown.url : `/help/${shown.article_id}`}
                      target="_blank"
                      rel="noopener"
                      >${shown.title}<span class="unseen"> (opens in a new tab)</span></a
                    >
                    ${shown.helpful === null ? nothing : html`<span class="tag ${shown.helpful ? "good" : "bad"}">${shown.helpful ? "helped" : "did not help"}</span>`}
                  </li>`,
              )}
            </ul>
          </section>`
        : nothing
    }
    ${
      state.length
        ? html`<section>
            <h3>State of the account ${asOf(packet.state.as_of)}</h3>
            ${state.map(stateGroup)}
          </section>`
        : nothing
    }
    ${
      packet.turns.length
        ? html`<section>
            <h3>What the assistant understood</h3>
            <ol class="readings">
              ${packet.turns.map(reading)}
            </ol>
          </section>`
        : nothing
    }
    <section>
      <h3>Where from</h3>
      ${page(packet)}
    </section>
  `;
}

/** Each article once, with what was said about it last. */
function shownArticles(packet: Packet): Packet["articles"] {
  const found = new Map<string, Packet["articles"][number]>();
  for (const shown of packet.articles)
    found.set(shown.article_id, {
      ...shown,
      helpful: shown.helpful ?? found.get(shown.article_id)?.helpful ?? null,
    });
  return [...found.values()];
}

function asOf(at: string | null): TemplateResult | typeof nothing {
  return at === null ? nothing : html`<span class="fine">at ${moment(at)}</span>`;
}

function stateGroup(group: Group): TemplateResult {
  return html`<details class="group" ?open=${group.problems.length > 0}>
    <summary>
      ${group.name}
      ${group.problems.length ? html`<span class="tag bad">${group.problems.length} ${group.problems.length === 1 ? "problem" : "problems"}</span>` : nothing}
    </summary>
    ${group.rows.length ? pairs(group.rows) : nothing}
    ${
      group.compared.length
        ? html`<table class="compared">
            <thead>
              <tr>
                <th scope="col">Setting</th>
                <th scope="col">Saved</th>
                <th scope="col">In force</th>
              </tr>
            </thead>
            <tbody>
              ${group.compared.map(
                (pair) =>
                  html`<tr class=${pair.differs ? "bad" : ""}>
                    <th scope="row">${pair.label}</th>
                    <td>${pair.saved}</td>
                    <td>
                      ${pair.applied}${pair.differs ? html`<span class="unseen"> (differs)</span>` : nothing}
                    </td>
                  </tr>`,
              )}
            </tbody>
          </table>`
        : nothing
    }
    ${group.items.map(
      (item) =>
        html`<div class="item ${item.bad ? "bad" : ""}">
          <h4>${item.title}</h4>
          ${item.rows.length ? pairs(item.rows) : nothing}
        </div>`,
    )}
  </details>`;
}

function pairs(rows: { label: string; value: string; bad?: boolean }[]): TemplateResult {
  return html`<dl class="pairs">
    ${rows.map(
      (row) =>
        html`<div class=${row.bad ? "bad" : ""}>
          <dt>${row.label}</dt>
          <dd>${row.value}</dd>
        </div>`,
    )}
  </dl>`;
}

function reading(turn: Packet["turns"][number]): TemplateResult {
  return html`<li>
    <p class="said">“${turn.text}”</p>
    ${turn.intent ? intentLine(turn.intent, turn.confidence) : html`<p class="fine">${turn.status === "failed" ? "The assistant failed here." : "Handed over before the intent was stored."}</p>`}
    ${
      turn.ranking.length > 1
        ? html`<details>
            <summary>Other intents</summary>
            ${ranking(turn.ranking, turn.intent)}
          </details>`
        : nothing
    }
  </li>`;
}

function page(packet: Packet): TemplateResult {
  const url = typeof packet.page["url"] === "string" ? packet.page["url"] : "";
  const title =
    typeof packet.page["title"] === "string" && packet.page["title"] !== "" ? packet.page["title"] : url;
  const rows = Object.entries(packet.client)
    .filter(([, value]) => value !== null && value !== "")
    .map(([key, value]) => ({ label: human(key), value: String(value) }));
  return html`
    ${url ? html`<p>${/^https?:\/\//.test(url) ? html`<a href=${url} target="_blank" rel="noopener noreferrer">${title}<span class="unseen"> (opens in a new tab)</span></a>` : title}</p>` : nothing}
    ${pairs([...rows, { label: "Channel", value: packet.channel }, { label: "Model", value: packet.model_version ?? "unknown" }, { label: "Collected", value: moment(packet.collected_at) }])}
  `;
}

/** How the assistant's readings and attempts are shown, in the console and in the review. */
import { html, nothing, type TemplateResult } from "lit";
import { human, percent, took } from "./format";
import { titled } from "./titles";
import type { Attempt, AttemptSummary, Ranked } from "./types";

const tones: Record<string, string> = {
  verified: "good",
  assumed: "person",
  escalated: "accent",
  abandoned: "",
  failed: "bad",
  reopened: "bad",
  open: "",
};
const words: Record<string, string> = {
  verified: "Verified",
  assumed: "Assumed",
  escalated: "Escalated",
  abandoned: "Abandoned",
  failed: "Failed",
  open: "Open",
};

export function outcomeTag(outcome: string | null): TemplateResult {
  const name = outcome ?? "open";
  return html`<span class="tag ${tones[name] ?? ""}">${words[name] ?? human(name)}</span>`;
}

/** An intent with its confidence as a bar and as a number. */
export function intentLine(name: string, confidence: number | null, label = name): TemplateResult {
  return html`<span class="intent">
    <code>${label}</code>
    <span class="bar" aria-hidden="true"><i style="width:${Math.round((confidence ?? 0) * 100)}%"></i></span>
    <span class="share">${confidence === null ? "–" : percent(confidence)}</span>
  </span>`;
}

export function ranking(ranked: Ranked[], skip: string | null): TemplateResult | typeof nothing {
  const rest = ranked.filter((one) => one.name !== skip).slice(0, 5);
  return rest.length === 0
    ? nothing
    : html`<ol class="ranking">
        ${rest.map((one) => html`<li>${intentLine(one.name, one.confidence)}</li>`)}
      </ol>`;
}

/** An attempt; what was handed over to an agent does not say of which article it was. */
export function attempt(one: Attempt | AttemptSummary): TemplateResult {
  const article = "article_id" in one ? one.article_id : null;
  const details = Object.keys(one.read).length + Object.keys(one.done).length > 0;
  return html`<li class="attempt" data-testid="attempt" data-outcome=${one.outcome ?? "open"}>
    <p class="attempt-line">
      ${outcomeTag(one.outcome)} <strong>${titled(one.name)}</strong>
      <span class="fine">${human(one.kind)}${one.duration_ms ? `, ${took(one.duration_ms)}` : ""}</span>
    </p>
    ${one.error ? html`<p class="fine">Reason: <code>${one.error}</code></p>` : nothing}
    ${article !== null && "article_version" in one ? html`<p class="fine">Article <a href="/help/${article}">${article}</a>, version ${one.article_version ?? "?"}</p>` : nothing}
    ${
      details
        ? html`<details>
            <summary>What was read and done</summary>
            ${values("Read", one.read)} ${values("Done", one.done)}
          </details>`
        : nothing
    }
  </li>`;
}

function values(name: string, given: Record<string, unknown>): TemplateResult | typeof nothing {
  const flat = flatten(given);
  if (flat.length === 0) return nothing;
  return html`<h4>${name}</h4>
    <dl class="pairs">
      ${flat.map(
        ([key, value]) =>
          html`<div>
            <dt>${key}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>`;
}

/** Nested values as paths and words, such as ["account, locked", "true"]. */
export function flatten(given: unknown, path: string[] = []): [string, string][] {
  if (typeof given === "object" && given !== null && Object.keys(given).length > 0) {
    return Object.entries(given).flatMap(([key, value]) => flatten(value, [...path, key.replace(/_/g, " ")]));
  }
  if (path.length === 0) return [];
  const said = typeof given === "string" ? given : JSON.stringify(given);
  return [[path.join(", "), given === null ? "nothing" : typeof given === "object" ? "empty" : said]];
}

import { html, nothing, type TemplateResult } from "lit";
import { card } from "./cards";
import * as icons from "./icons";
import type { Offer } from "../shared/wire";

/** What the user can do with an offer. */
export interface NudgeActions {
  accept(): void;
  dismiss(): void;
}

/** An offer of help beside the launcher: it takes no focus, and goes away when it is told to. */
export function nudge(offer: Offer, opened: boolean, baseUrl: string, actions: NudgeActions): TemplateResult {
  return html`<section
    class="nudge"
    data-testid="nudge"
    data-kind=${offer.kind}
    aria-label="Suggestion"
    style=${offer.kind === "tooltip" ? beside(offer.step) : ""}
    @keydown=${(event: KeyboardEvent) => escape(event, actions)}
  >
    <p class="says">${icons.mark}<span>${offer.text}</span></p>
    ${opened ? content(offer, baseUrl) : nothing}
    <div class="does">
      ${
        opened
          ? html`<button type="button" class="yes" data-testid="nudge-done" @click=${() => actions.dismiss()}>
              Done
            </button>`
          : html`<button
              type="button"
              class="yes"
              data-testid="nudge-accept"
              @click=${() => actions.accept()}
            >
              ${offer.label || "Show me"}
            </button>`
      }
      ${offer.kind === "tooltip" || opened ? nothing : html`<button type="button" class="no" data-testid="nudge-dismiss" @click=${() => actions.dismiss()}>Not now</button>`}
    </div>
    <button
      type="button"
      class="plain"
      aria-label="Dismiss this suggestion"
      data-testid="nudge-close"
      @click=${() => actions.dismiss()}
    >
      ${icons.close}
    </button>
  </section>`;
}

/** What was accepted, where it needs no conversation: an article, or the steps of a tutorial. */
function content(offer: Offer, baseUrl: string): unknown {
  if (offer.card !== null) return card(offer.card, baseUrl);
  return html`<ol data-testid="nudge-steps">
    ${offer.steps.map((step) => html`<li>${step}</li>`)}
  </ol>`;
}

function escape(event: KeyboardEvent, actions: NudgeActions): void {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  actions.dismiss();
}

/** Below the step it is about; beside the launcher where that step is not to be seen. */
function beside(step: string | null): string {
  const place = step
    ? document.querySelector(`[data-firstline-step="${CSS.escape(step)}"]`)?.getBoundingClientRect()
    : undefined;
  if (place === undefined || place.bottom < 0 || place.bottom > innerHeight - 160) return "";
  const left = Math.max(12, Math.min(place.left, innerWidth - 332));
  return `left:${Math.round(left)}px;top:${Math.round(place.bottom + 10)}px;right:auto;bottom:auto`;
}

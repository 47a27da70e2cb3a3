import { html, nothing, type TemplateResult } from "lit";
import * as icons from "./icons";
import type { Offer } from "./wire";

/** What the user can do with an offer. */
export interface NudgeActions {
  accept(): void;
  dismiss(): void;
}

/** An offer of help beside the launcher: it takes no focus, and goes away when it is told to. */
export function nudge(offer: Offer, steps: boolean, actions: NudgeActions): TemplateResult {
  return html`<section class="nudge" data-testid="nudge" data-kind=${offer.kind} aria-label="Suggestion"
    style=${offer.kind === "tooltip" ? beside(offer.step) : ""} @keydown=${(event: KeyboardEvent) => escape(event, actions)}>
    <p class="says">${icons.mark}<span>${offer.text}</span></p>
    ${steps ? html`<ol data-testid="nudge-steps">${offer.steps.map((step) => html`<li>${step}</li>`)}</ol>` : nothing}
    <div class="does">
      <button type="button" class="yes" data-testid="nudge-accept" @click=${() => actions.accept()}>${steps ? "Done" : offer.label || "Show me"}</button>
      ${offer.kind === "tooltip" || steps ? nothing : html`<button type="button" class="no" data-testid="nudge-dismiss" @click=${() => actions.dismiss()}>Not now</button>`}
    </div>
    <button type="button" class="plain" aria-label="Dismiss this suggestion" data-testid="nudge-close" @click=${() => (steps ? actions.accept() : actions.dismiss())}>${icons.close}</button>
  </section>`;
}

function escape(event: KeyboardEvent, actions: NudgeActions): void {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  actions.dismiss();
}

/** Below the step it is about; beside the launcher where that step is not to be seen. */
function beside(step: string | null): string {
  const place = step ? document.querySelector(`[data-firstline-step="${CSS.escape(step)}"]`)?.getBoundingClientRect() : undefined;
  if (place === undefined || place.bottom < 0 || place.bottom > innerHeight - 160) return "";
  const left = Math.max(12, Math.min(place.left, innerWidth - 332));
  return `left:${Math.round(left)}px;top:${Math.round(place.bottom + 10)}px;right:auto;bottom:auto`;
}

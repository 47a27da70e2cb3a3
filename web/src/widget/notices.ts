import { html, nothing, type TemplateResult } from "lit";
import { card } from "./cards";
import * as icons from "./icons";
import type { Session } from "./conversation-store";
import { clock, linked } from "./text";
import type { KeptNotice, NoticeData } from "../shared/wire";

/** Something that was noticed and repaired without being asked, with its proof. */
export function notice(given: NoticeData, at: string, baseUrl: string): TemplateResult {
  return html`<div class="note notice" data-testid="notice" data-event="notice">
    <p>${icons.tick} ${linked(given.text, baseUrl)} <time datetime=${at}>${clock(at)}</time></p>
    ${given.card ? card(given.card, baseUrl) : nothing}
  </div>`;
}

/** What was repaired while the user had no conversation that could hold it. */
export function keptNotices(session: Session): unknown {
  return session.notices.map((kept: KeptNotice) => notice(kept, kept.at, session.baseUrl));
}

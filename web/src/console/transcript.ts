import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { caseOutcome, moment, reason } from "../shared/format";
import * as icons from "../shared/icons";
import type { ChatEvent } from "../shared/types";
import { card } from "../widget/cards";
import { linked } from "../widget/text";
import type { MessageEvent } from "../shared/wire";
import type { Thread } from "./case-thread";

const authors: Record<string, string> = { bot: "Assistant", system: "Firstline" };

/** The conversation, newest last; `mine` says whether the agent's own name is "You". */
export function transcript(events: ChatEvent[], thread: Thread | undefined, me: string): TemplateResult {
  const shown = events.filter((event) => event.type === "message" || note(event) !== null);
  return html`${repeat(
    shown,
    (event) => event.seq,
    (event, index) => (event.type === "message" ? message(event, shown[index - 1], me) : aside(event)),
  )}
  ${(thread?.pending ?? []).map(
    (item) =>
      html`<article
        class="message agent ${item.failed === null ? "sending" : "failed"}"
        data-testid="pending"
      >
        <div class="bubble">${item.text}</div>
        ${
          item.failed === null
            ? html`<p class="status">
                ${thread?.live || thread?.asking ? "Sending…" : "Waiting for the connection…"}
              </p>`
            : html`<p class="status">
                Not sent. ${item.failed}
                <button class="link" @click=${() => thread?.retry(item.key)}>Try again</button>
                <button class="link" @click=${() => thread?.takeBack(item.key)}>Edit</button>
              </p>`
        }
      </article>`,
  )}`;
}

function message(event: MessageEvent, before: ChatEvent | undefined, me: string): TemplateResult {
  const { kind, name } = event.author;
  const same = before?.type === "message" && before.author.kind === kind && before.author.name === name;
  const who = kind === "agent" && name === me ? "You" : (authors[kind] ?? name ?? "User");
  const { text, card: shown, buttons, choice } = event.data;
  return html`<article
    class="message ${kind} ${same ? "same" : ""}"
    data-testid="message"
    data-author=${kind}
    data-seq=${event.seq}
  >
    ${same ? html`<span class="unseen">${who}:</span>` : html`<p class="who-said">${who} <time datetime=${event.at}>${moment(event.at)}</time></p>`}
    ${text ? html`<div class="bubble">${choice ? html`<span class="unseen">chose </span>` : nothing}${linked(text, "")}</div>` : nothing}
    ${shown ? card(shown, "") : nothing}
    ${buttons?.length ? html`<p class="offered">Offered: ${buttons.map((button) => html`<span>${button.title}</span>`)}</p>` : nothing}
  </article>`;
}

function aside(event: ChatEvent): TemplateResult {
  return html`<p class="aside" data-testid="aside">
    ${icons.person}<span>${note(event)}</span> <time datetime=${event.at}>${moment(event.at)}</time>
  </p>`;
}

/** What an event that is no message says, or null for one that says nothing new. */
function note(event: ChatEvent): string | null {
  switch (event.type) {
    case "handoff":
      return `Handed over to people: ${reason(event.data.reason).toLowerCase()}`;
    case "owner_changed":
      if (event.data.reason === "released") return "Put back into the queue";
      return event.data.owner.kind === "agent"
        ? `${event.data.owner.name ?? "An agent"} has the conversation`
        : null;
    case "case_resolved":
      return `Closed by ${event.author.name ?? "an agent"}: ${caseOutcome(event.data.outcome).toLowerCase()}. The assistant is back.${event.data.note ? ` Told the user: ${event.data.note}` : ""}`;
    case "feedback":
      return event.data.helpful ? "The user said that it helped" : "The user said that it did not help";
    case "notice":
      return `Told the user: ${event.data.text}`;
    default:
      return null;
  }
}

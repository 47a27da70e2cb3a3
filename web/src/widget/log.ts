import { html, nothing, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import { repeat } from "lit/directives/repeat.js";
import { card } from "./cards";
import * as icons from "./icons";
import type { Pending } from "./local-state";
import { notice } from "./notices";
import type { Session } from "./conversation-store";
import { clock, linked } from "./text";
import type { ChatEvent, Choice, MessageEvent } from "../shared/wire";

type Item = { key: string; event: ChatEvent } | { key: string; pending: Pending };

const names = { user: "You", bot: "Assistant", agent: "Support", system: "Firstline" };

/** The conversation: what was said and what happened, and at its end what is still on its way. */
export function log(session: Session, choose: (choice: Choice) => void): unknown {
  const items: Item[] = [
    ...session.events.map((event) => ({ key: keyOf(event), event })),
    ...session.outbox.map((pending) => ({ key: `k:${pending.key}`, pending })),
  ];
  const lastOffer = offer(session);
  return repeat(
    items,
    (item) => item.key,
    (item, index) => {
      if ("pending" in item) return waiting(item.pending, session);
      const before = items[index - 1];
      const same =
        before !== undefined &&
        "event" in before &&
        before.event.type === "message" &&
        speaker(before.event) === speaker(item.event);
      return happened(item.event, same, session, lastOffer, choose);
    },
  );
}

function keyOf(event: ChatEvent): string {
  return event.author.kind === "user" && event.client_key !== null ? `k:${event.client_key}` : event.id;
}

function speaker(event: ChatEvent): string {
  return `${event.author.kind}:${event.author.name ?? ""}`;
}

/** Turn whose buttons can be pressed: the assistant's latest, as long as nothing was said after it. */
function offer(session: Session): string | null {
  if (session.owner.kind !== "bot" || session.outbox.some((item) => item.status !== "failed")) return null;
  const last = session.events.findLast((event) => event.type === "message");
  return last?.author.kind === "bot" ? (last.turn ?? last.id) : null;
}

function happened(
  event: ChatEvent,
  same: boolean,
  session: Session,
  lastOffer: string | null,
  choose: (choice: Choice) => void,
): unknown {
  switch (event.type) {
    case "message":
      return message(event, same, session, lastOffer, choose);
    case "owner_changed":
      return owner(event.data.owner.kind, event.data.owner.name, event.at);
    case "handoff":
      return html`<div class="note" data-event="handoff">
        <p>${icons.person} We've asked for a person. You won't have to explain it all again.</p>
      </div>`;
    case "notice":
      return notice(event.data, event.at, session.baseUrl);
    case "case_resolved":
      return html`<div class="note" data-event="case_resolved">
        <p>${event.author.name ?? "Support"} closed your request.</p>
        ${event.data.note ? html`<p class="said">${linked(event.data.note, session.baseUrl)}</p>` : nothing}
      </div>`;
    default:
      return nothing;
  }
}

function owner(kind: string, name: string | null, at: string): unknown {
  // That the user waits is said by the hand-off's own note and by the banner.
  if (kind === "queue") return nothing;
  const words =
    kind === "agent" ? `${name ?? "A person"} joined the conversation` : "You're back with the assistant";
  return html`<div class="note" data-event="owner_changed">
    <p>${words}, <time datetime=${at}>${clock(at)}</time></p>
  </div>`;
}

function message(
  event: MessageEvent,
  same: boolean,
  session: Session,
  lastOffer: string | null,
  choose: (choice: Choice) => void,
): unknown {
  const { kind } = event.author;
  const { text, buttons, card: shown } = event.data;
  const name = kind === "agent" ? (event.author.name ?? names.agent) : names[kind];
  return html`<article
    class=${classMap({ message: true, [kind]: true, same })}
    data-testid="message"
    data-author=${kind}
    data-seq=${event.seq}
  >
    <p class=${same ? "unseen" : "who"}>
      ${name}<span class="unseen"> said at </span> <time datetime=${event.at}>${clock(event.at)}</time>
    </p>
    ${text ? html`<div class="bubble">${linked(text, session.baseUrl)}</div>` : nothing}
    ${
      shown?.type === "joined_case"
        ? html`<p>
            <button
              type="button"
              class="link"
              data-testid="joined-go"
              @click=${() => session.turnTo(shown.conversation)}
            >
              Go to that conversation
            </button>
          </p>`
        : shown
          ? card(shown, session.baseUrl)
          : nothing
    }
    ${
      buttons?.length
        ? choices(event, session, lastOffer !== null && lastOffer === (event.turn ?? event.id), choose)
        : shown?.type === "article"
          ? helpful(event.seq, session)
          : nothing
    }
  </article>`;
}

function choices(
  event: MessageEvent,
  session: Session,
  active: boolean,
  choose: (choice: Choice) => void,
): TemplateResult {
  const answer = session.events.find(
    (later) => later.seq > event.seq && later.type === "message" && later.author.kind === "user",
  );
  const chosen = answer?.type === "message" ? answer.data.choice : null;
  const sent = session.outbox.find((item) => item.choice !== null && item.status !== "failed")?.choice;
  return html`<div class="choices" role="group" aria-label="Answers to choose from">
    ${event.data.buttons.map((button) => {
      const picked =
        !active && (chosen === button.payload || (answer === undefined && sent === button.payload));
      return html`<button
        type="button"
        data-testid="choice-button"
        class=${classMap({ picked })}
        ?disabled=${!active}
        @click=${() => choose(button)}
      >
        ${picked ? icons.tick : nothing}${button.title}${picked ? html`<span class="unseen"> (chosen)</span>` : nothing}
      </button>`;
    })}
  </div>`;
}

function helpful(seq: number, session: Session): TemplateResult {
  const given = session.feedback.get(seq);
  if (given !== undefined)
    return html`<p class="thanks">
      ${given ? "Thank you. Good to know that it helped." : "Thank you. Tell us what is missing, or talk to a person."}
    </p>`;
  return html`<div class="choices" role="group" aria-label="Did this help?">
    <span>Did this help?</span>
    <button type="button" data-testid="helped-yes" @click=${() => session.rate(seq, true)}>Yes</button>
    <button type="button" data-testid="helped-no" @click=${() => session.rate(seq, false)}>No</button>
  </div>`;
}

const states = {
  sending: "Sending…",
  waiting: "Not sent yet. We keep trying.",
  sent: "Sent",
  failed: "Not sent.",
};

function waiting(pending: Pending, session: Session): TemplateResult {
  const failed = pending.status === "failed";
  return html`<article
    class="message user ${pending.status}"
    data-testid="message"
    data-author="user"
    data-status=${pending.status}
  >
    <p class="unseen">You said</p>
    <div class="bubble">${linked(pending.text, session.baseUrl)}</div>
    <p class="status">
      ${states[pending.status]} ${failed ? pending.reason : nothing}
      ${
        failed
          ? html`<button
                type="button"
                class="link"
                data-testid="message-retry"
                @click=${() => session.resend(pending.key)}
              >
                Try again
              </button>
              <button
                type="button"
                class="link"
                data-testid="message-discard"
                @click=${() => session.discard(pending.key)}
              >
                Delete
              </button>`
          : nothing
      }
    </p>
  </article>`;
}

export function typist(session: Session): TemplateResult | typeof nothing {
  if (session.typist === null) return nothing;
  const who = session.typist.kind === "agent" ? (session.typist.name ?? "Support") : "The assistant";
  return html`<div class="typing" data-testid="typing">
    <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>${who} is
    ${session.typist.kind === "agent" ? "typing" : "looking into it"}…
  </div>`;
}

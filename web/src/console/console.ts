import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { wordsOf } from "../shared/api";
import { caseOutcome, reason, span } from "../shared/format";
import * as icons from "../shared/icons";
import { StaffPage } from "../shared/page";
import type { Case, CaseOutcome, Session } from "../shared/types";
import { length, MAX_TEXT } from "../shared/wire";
import { chime } from "./chime";
import { context, joined } from "./context";
import { Desk } from "./case-store";
import { shortcuts, shortcutsOn, useShortcuts } from "./shortcuts";
import { transcript } from "./transcript";

const outcomes: { name: CaseOutcome; words: string }[] = [
  { name: "solved", words: "The problem is solved" },
  { name: "answered", words: "The question is answered" },
  { name: "not_solved", words: "Not solved" },
  { name: "spam", words: "Spam" },
];
const soundName = "firstline:console-sound";

/** The agents' console: the queue, one case with its whole context, and the chat with its user. */
@customElement("fl-console")
export class ConsolePage extends StaffPage {
  protected override readonly path = "/console";
  @state() private list: "open" | "resolved" = "open";
  /** What a phone shows of the open case. */
  @state() private side: "chat" | "context" = "chat";
  @state() private sound = localStorage.getItem(soundName) === "on";
  private desk: Desk | null = null;
  private tick: ReturnType<typeof setInterval> | undefined;
  private atEnd = true;

  protected override entered(me: Session): void {
    this.desk?.stop();
    this.desk = new Desk(me.staff.id, {
      changed: () => this.requestUpdate(),
      arrived: (one) => {
        this.say(
          `New case: ${one.contact.name}, ${reason(one.reason).toLowerCase()}, priority ${one.priority}.`,
        );
        if (this.sound) chime();
      },
      wrote: (one) => {
        if (one && one.id !== this.desk?.selected) this.say(`${one.contact.name} wrote.`);
        if (this.sound && document.hidden) chime();
      },
    });
    this.desk.start();
    clearInterval(this.tick);
    this.tick = setInterval(() => this.requestUpdate(), 1000);
    void this.follow();
  }

  protected override left(): void {
    clearInterval(this.tick);
    this.desk?.stop();
    this.desk = null;
    document.title = "Console · Firstline";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.follow);
    addEventListener("keydown", this.press);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.follow);
    removeEventListener("keydown", this.press);
    this.left();
  }

  /** The address says which case is open, so that it can be reloaded and sent to a colleague. */
  private readonly follow = async (): Promise<void> => {
    const id = /^#(cas_\w+)$/.exec(location.hash)?.[1] ?? null;
    if (!this.desk || id === this.desk.selected) return;
    this.side = "chat";
    this.atEnd = true;
    await this.desk.select(id);
  };

  private open(id: string | null): void {
    if (id === null) {
      history.pushState(null, "", location.pathname);
      void this.follow();
    } else location.hash = id;
  }

  private readonly press = (event: KeyboardEvent): void => {
    useShortcuts(event, {
      next: () => this.step(1),
      previous: () => this.step(-1),
      claim: () => this.button("case-claim"),
      reply: () => this.button("case-input"),
      resolve: () => this.button("case-resolve"),
      release: () => this.button("case-release"),
      context: () => (this.side = this.side === "chat" ? "context" : "chat"),
      help: () => this.dialog("keys")?.showModal(),
      close: () => this.open(null),
    });
  };

  private button(hook: string): void {
    const found = this.querySelector<HTMLElement>(`[data-testid="${hook}"]`);
    if (hook === "case-input") found?.focus();
    else found?.click();
  }

  private dialog(name: string): HTMLDialogElement | null {
    return this.querySelector<HTMLDialogElement>(`dialog[data-name="${name}"]`);
  }

  private step(by: number): void {
    const links = [...this.querySelectorAll<HTMLAnchorElement>(".queue a")];
    if (links.length === 0) return;
    const at = links.findIndex((link) => link.hash === location.hash);
    const next =
      links[at === -1 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))];
    next?.click();
    next?.focus();
  }

  protected override willUpdate(): void {
    const log = this.querySelector(".log");
    if (log) this.atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  }

  protected override updated(_: PropertyValues): void {
    const log = this.querySelector(".log");
    if (log && this.atEnd) log.scrollTop = log.scrollHeight;
    if (!this.desk) return;
    const news = this.desk.waiting.length + this.desk.unread;
    document.title = `${news > 0 ? `(${news}) ` : ""}Console · Firstline`;
  }

  protected override content(me: Session): TemplateResult {
    const desk = this.desk;
    if (!desk) return html`<main id="main"></main>`;
    return html`<main id="main" class="desk" data-open=${desk.selected !== null} data-side=${this.side}>
        <h1 class="unseen">Console</h1>
        ${this.queue(desk)} ${this.case(desk, me)}
      </main>
      ${this.keysDialog()}`;
  }

  private queue(desk: Desk): TemplateResult {
    return html`<section class="queue" aria-label="Cases">
      <div class="queue-head">
        <div class="switch">
          <button aria-pressed=${this.list === "open"} @click=${() => this.show("open")}>
            Open <span class="count">${desk.cases.length}</span>
          </button>
          <button aria-pressed=${this.list === "resolved"} @click=${() => this.show("resolved")}>
            Closed
          </button>
        </div>
        <button
          class="round"
          aria-pressed=${this.sound}
          aria-label="Sound for new cases"
          title="Sound for new cases: ${this.sound ? "on" : "off"}"
          @click=${this.toggleSound}
        >
          ${this.sound ? icons.bell : icons.mute}
        </button>
        <button
          class="round"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          @click=${() => this.dialog("keys")?.showModal()}
        >
          ${icons.keys}
        </button>
      </div>
      ${desk.trouble ? html`<p class="trouble" role="alert">${desk.trouble}</p>` : nothing}
      <div class="queue-list">${this.list === "open" ? this.openCases(desk) : this.resolvedCases(desk)}</div>
    </section>`;
  }

  private openCases(desk: Desk): TemplateResult {
    if (!desk.loaded) return html`<p class="empty fine">Reading the queue…</p>`;
    return html`
      ${desk.mine.length ? this.section("Yours", desk.mine, desk) : nothing}
      ${
        desk.waiting.length
          ? this.section("In the queue", desk.waiting, desk)
          : html`<div class="empty">
              <p class="calm">The queue is empty.</p>
              <p class="fine">New cases appear here by themselves.</p>
            </div>`
      }
      ${desk.others.length ? this.section("With colleagues", desk.others, desk) : nothing}
    `;
  }

  private resolvedCases(desk: Desk): TemplateResult {
    if (desk.resolved === null) return html`<p class="empty fine">Reading…</p>`;
    return desk.resolved.length
      ? this.section("Closed", desk.resolved, desk)
      : html`<p class="empty fine">No case has been closed yet.</p>`;
  }

  private section(name: string, cases: Case[], desk: Desk): TemplateResult {
    return html`<h2>${name} <span class="count">${cases.length}</span></h2>
      <ul>
        ${cases.map((one) => html`<li>${this.item(one, desk)}</li>`)}
      </ul>`;
  }

  private item(one: Case, desk: Desk): TemplateResult {
    const unread = desk.thread(one)?.unread ?? 0;
    return html`<a
      href="#${one.id}"
      data-testid="queue-item"
      data-priority=${one.priority}
      aria-current=${one.id === desk.selected ? "true" : nothing}
    >
      <span class="item-top">
        <strong>${one.contact.name}</strong>
        ${unread ? html`<span class="unread">${unread}<span class="unseen"> new messages</span></span>` : nothing}
        <span class="waited"
          >${one.status === "resolved" ? (one.outcome ? caseOutcome(one.outcome) : "") : span(desk.waited(one))}</span
        >
      </span>
      <span class="item-why"
        >${one.priority === "normal" ? nothing : html`<span class="tag ${priorityTone(one.priority)}">${one.priority}</span>`}
        ${reason(one.reason)}${one.status === "assigned" && !desk.isMine(one) ? `, with ${one.assignee?.name ?? "somebody"}` : ""}${more(one)}</span
      >
      <span class="item-said">${one.summary}</span>
    </a>`;
  }

  private case(desk: Desk, me: Session): TemplateResult {
    if (desk.selected === null) {
      return html`<section class="case none" aria-label="Case">
        <div>
          <p class="calm">Choose a case.</p>
          <p class="fine">
            Its conversation and everything the assistant knows are shown side by side. Press <kbd>?</kbd> for
            the keyboard.
          </p>
        </div>
      </section>`;
    }
    const detail = desk.detail;
    if (!detail) {
      return html`<section class="case none" aria-label="Case">
        ${
          desk.refused
            ? html`<div>
                <p class="trouble" role="alert">${desk.refused}</p>
                <button class="second" @click=${() => this.open(null)}>Back to the list</button>
              </div>`
            : html`<p class="fine" role="status">Reading the case…</p>`
        }
      </section>`;
    }
    const one = detail.case;
    return html`<section class="case" aria-label="Case of ${one.contact.name}">
        ${this.caseHead(one, desk)}
        <div class="sides" role="group" aria-label="What to show">
          <button aria-pressed=${this.side === "chat"} @click=${() => (this.side = "chat")}>
            Conversation
          </button>
          <button aria-pressed=${this.side === "context"} @click=${() => (this.side = "context")}>
            Context
          </button>
        </div>
        ${this.chat(one, desk, me)}
      </section>
      <aside class="context" aria-label="Context" data-testid="case-context" tabindex="0">
        ${context(one, detail.packet)} ${joined(detail.joined, one.joined)}
      </aside>
      ${this.resolveDialog(one)}`;
  }

  private caseHead(one: Case, desk: Desk): TemplateResult {
    const mine = desk.isMine(one);
    const status =
      one.status === "queued"
        ? `Has waited ${span(desk.waited(one))}`
        : one.status === "resolved"
          ? `Closed: ${one.outcome ? caseOutcome(one.outcome).toLowerCase() : "closed"}`
          : mine
            ? `Yours; waited ${span(one.waited_seconds)}`
            : `With ${one.assignee?.name ?? "somebody"}`;
    return html`<header class="case-head">
      <button class="round back" aria-label="Back to the list" @click=${() => this.open(null)}>
        ${icons.back}
      </button>
      <div class="case-name">
        <h2>${one.contact.name} <span class="tag ${priorityTone(one.priority)}">${one.priority}</span></h2>
        <p class="fine" data-testid="case-status">${status} · ${reason(one.reason)}${more(one)}</p>
      </div>
      <div class="case-acts">
        ${one.status === "queued" ? html`<button class="primary" data-testid="case-claim" ?disabled=${desk.busy} @click=${() => this.claim(false)}>Assign to me</button>` : nothing}
        ${one.status === "assigned" && !mine && this.may("admin") ? html`<button class="second" data-testid="case-takeover" ?disabled=${desk.busy} @click=${() => this.claim(true)}>Take over</button>` : nothing}
        ${
          mine
            ? html`<button
                  class="second"
                  data-testid="case-release"
                  ?disabled=${desk.busy}
                  @click=${this.release}
                >
                  Unassign
                </button>
                <button
                  class="primary"
                  data-testid="case-resolve"
                  ?disabled=${desk.busy}
                  @click=${() => this.dialog("resolve")?.showModal()}
                >
                  Close case
                </button>`
            : nothing
        }
      </div>
    </header>`;
  }

  private chat(one: Case, desk: Desk, me: Session): TemplateResult {
    const thread = desk.thread(one);
    const mine = desk.isMine(one);
    const events = thread?.events ?? desk.detail?.events ?? [];
    const draft = mine ? (thread?.draft ?? "") : "";
    const over = length(draft) - MAX_TEXT;
    const hint = mine
      ? `Write to ${one.contact.name}`
      : one.status === "queued"
        ? "Assign the case to yourself to answer"
        : one.status === "resolved"
          ? "The assistant has the conversation again"
          : `${one.assignee?.name ?? "Somebody"} answers here`;
    return html`<div class="chat">
      ${desk.refused ? html`<p class="trouble" role="alert">${desk.refused}</p>` : nothing}
      ${thread && !thread.live ? html`<p class="offline" role="status">${thread.asking ? "The live line is down; news comes every few seconds." : "Connecting to the conversation… What you send waits until then."}</p>` : nothing}
      <div class="log" role="log" aria-label="Conversation" tabindex="0">
        ${transcript(events, thread, me.staff.name)}
      </div>
      <p class="live" role="status">
        ${
          thread?.userTypes
            ? html`<span class="typing" data-testid="typing"
                >${one.contact.name} is typing
                <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span
              ></span>`
            : nothing
        }
      </p>
      <form class="composer" @submit=${this.submit}>
        <label class="unseen" for="say">Message to ${one.contact.name}</label>
        <textarea
          id="say"
          rows="2"
          data-testid="case-input"
          placeholder=${hint}
          ?disabled=${!mine}
          .value=${draft}
          aria-invalid=${over > 0}
          @input=${this.write}
          @keydown=${this.key}
        ></textarea>
        <button class="primary" data-testid="case-send" ?disabled=${!mine || draft.trim() === "" || over > 0}>
          Send
        </button>
        <p class="count-left ${over > 0 ? "over" : ""}" role="status">
          ${over > 0 ? `${over} characters too many` : over > -200 ? `${-over} characters left` : ""}
        </p>
      </form>
    </div>`;
  }

  private resolveDialog(one: Case): TemplateResult {
    return html`<dialog data-name="resolve" aria-labelledby="resolve-title">
      <form @submit=${this.resolve}>
        <h2 id="resolve-title">Close the case of ${one.contact.name}</h2>
        <p class="quiet">The assistant takes the conversation over again.</p>
        <fieldset class="outcomes">
          <legend>How did it end?</legend>
          ${outcomes.map((item, index) => html`<label><input type="radio" name="outcome" value=${item.name} ?checked=${index === 0} /> ${item.words}</label>`)}
        </fieldset>
        <label for="note">Note <span class="fine">(for the record)</span></label>
        <textarea id="note" name="note" rows="3" maxlength="2000" data-testid="resolve-note"></textarea>
        <label class="check"
          ><input type="checkbox" name="tell" /> Show the note to ${one.contact.name}</label
        >
        <div class="actions">
          <button type="button" class="second" @click=${() => this.dialog("resolve")?.close()}>
            Not yet
          </button>
          <button class="primary" data-testid="resolve-confirm">Close the case</button>
        </div>
      </form>
    </dialog>`;
  }

  private keysDialog(): TemplateResult {
    return html`<dialog data-name="keys" aria-labelledby="keys-title">
      <h2 id="keys-title">Keyboard</h2>
      <dl class="keys">
        ${shortcuts.map(
          (one) =>
            html`<div>
              <dt>${one.shown.map((key) => html`<kbd>${key}</kbd>`)}</dt>
              <dd>${one.words}</dd>
            </div>`,
        )}
      </dl>
      <label class="check"
        ><input
          type="checkbox"
          .checked=${shortcutsOn()}
          @change=${(event: Event) => shortcutsOn((event.target as HTMLInputElement).checked)}
        />
        Use single keys</label
      >
      <div class="actions">
        <button class="primary" @click=${() => this.dialog("keys")?.close()}>Done</button>
      </div>
    </dialog>`;
  }

  private async show(list: "open" | "resolved"): Promise<void> {
    this.list = list;
    if (list === "open") this.desk?.forgetResolved();
    else {
      try {
        await this.desk?.loadResolved();
      } catch (error) {
        if (this.desk) this.desk.trouble = wordsOf(error);
        this.requestUpdate();
      }
    }
  }

  private toggleSound = (): void => {
    this.sound = !this.sound;
    localStorage.setItem(soundName, this.sound ? "on" : "off");
    if (this.sound) chime();
  };

  private async claim(takeOver: boolean): Promise<void> {
    const name = this.desk?.detail?.case.contact.name ?? "";
    if (!(await this.desk?.act("claim", { take_over: takeOver }))) return;
    this.say(`The case of ${name} is yours.`);
    this.side = "chat";
    await this.updateComplete;
    this.button("case-input");
  }

  private release = async (): Promise<void> => {
    if (!(await this.desk?.act("release"))) return;
    this.say("The case is back in the queue.");
    await this.focusOn("[data-testid=case-claim]");
  };

  private resolve = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const data = new FormData(form);
    const outcome = (data.get("outcome") ?? "solved") as CaseOutcome;
    const note = data.get("note");
    this.dialog("resolve")?.close();
    if (
      await this.desk?.act("resolve", {
        outcome,
        note: typeof note === "string" ? note : "",
        tell_user: data.get("tell") !== null,
      })
    ) {
      form.reset();
      this.say("The case is closed.");
      await this.focusOn(".log");
    }
  };

  /** The button that was pressed is gone: go on beside it, not at the top of the page. */
  private async focusOn(selector: string): Promise<void> {
    await this.updateComplete;
    this.querySelector<HTMLElement>(selector)?.focus();
  }

  private write = (event: Event): void => {
    const one = this.desk?.detail?.case;
    const thread = one && this.desk?.thread(one);
    if (!one || !thread) return;
    thread.write((event.target as HTMLTextAreaElement).value, this.desk?.isMine(one) ?? false);
    this.requestUpdate();
  };

  private key = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    (event.target as HTMLTextAreaElement).form?.requestSubmit();
  };

  private submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const one = this.desk?.detail?.case;
    const thread = one && this.desk?.thread(one);
    if (!one || !thread || !this.desk?.isMine(one)) return;
    const text = thread.draft.trim();
    if (text === "" || length(text) > MAX_TEXT) return;
    this.atEnd = true;
    thread.send(text);
    this.querySelector<HTMLElement>("[data-testid=case-input]")?.focus();
  };
}

function more(one: Case): string {
  if (!one.joined) return "";
  return ` · and ${one.joined} more ${one.joined === 1 ? "conversation" : "conversations"}`;
}

function priorityTone(priority: string): string {
  return { urgent: "bad", high: "person", low: "" }[priority] ?? "";
}

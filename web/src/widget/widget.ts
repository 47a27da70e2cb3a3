import { LitElement, html, nothing, unsafeCSS, type PropertyValues, type TemplateResult } from "lit";
import tokens from "../shared/tokens.css?inline";
import * as icons from "./icons";
import { log, typist } from "./log";
import { keptNotices } from "./notices";
import { nudge } from "./nudge";
import type { Session } from "./conversation-store";
import type { Shelf } from "./help-pack";
import "./help";
import { clock, day } from "./text";
import look from "./widget.css?inline";
import { MAX_TEXT, length, type ChatEvent, type Choice, type Offer } from "../shared/wire";

const usual = ["I can't sign in", "My payment failed", "Where is my order?", "How do I get a refund?"];
type Tab = "chat" | "help";

const countFrom = 3600;
const near = 80;

/** The launcher and the panel. */
export class FirstlineWidget extends LitElement {
  static override styles = [unsafeCSS(tokens), unsafeCSS(look)];
  static override properties = {
    session: { attribute: false },
    shelf: { attribute: false },
    tab: { state: true },
    suggestions: { attribute: false },
    shown: { state: true },
    unread: { state: true },
    speaking: { state: true },
    news: { state: true },
    opened: { state: true },
  };

  declare session: Session;
  declare shelf: Shelf;
  declare tab: Tab;
  declare suggestions: string[];
  declare shown: boolean;
  declare unread: number;
  declare speaking: boolean;
  declare news: string;
  /** The accepted offer whose steps or article are shown. */
  declare opened: Offer | null;
  private pinned = true;
  private readonly sizes = new ResizeObserver(() => this.settle());
  private readonly changed = (): void => this.requestUpdate();
  private readonly heard = (given: Event): void => this.hear((given as CustomEvent<ChatEvent>).detail);

  constructor() {
    super();
    this.suggestions = usual;
    this.tab = "chat";
    this.shown = false;
    this.unread = 0;
    this.speaking = false;
    this.news = "";
    this.opened = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.session.addEventListener("change", this.changed);
    this.session.addEventListener("news", this.heard);
    this.session.addEventListener("noticed", this.noticed);
    this.session.addEventListener("offered", this.offered);
    addEventListener("scroll", this.moved, { capture: true, passive: true });
    addEventListener("resize", this.moved);
    this.shown = this.session.open;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.session.removeEventListener("change", this.changed);
    this.session.removeEventListener("news", this.heard);
    this.session.removeEventListener("noticed", this.noticed);
    this.session.removeEventListener("offered", this.offered);
    removeEventListener("scroll", this.moved, { capture: true });
    removeEventListener("resize", this.moved);
  }

  /** Open the panel, with words to begin with if the user has written none. */
  async open(words = ""): Promise<void> {
    this.shown = true;
    this.session.open = true;
    this.session.sawNotices();
    this.unread = 0;
    this.news = "";
    this.opened = null;
    this.pinned = true;
    if (words !== "") this.tab = "chat";
    void this.shelf.load();
    if (words !== "" && this.session.draft.trim() === "") this.session.write(words);
    await this.updateComplete;
    this.focusInput();
  }

  close(): void {
    this.shown = false;
    this.session.open = false;
    void this.updateComplete.then(() => this.find<HTMLElement>(".launcher")?.focus());
  }

  private find<T extends Element>(selector: string): T | null {
    return this.renderRoot.querySelector<T>(selector);
  }

  /** On a touch screen the keyboard would cover what there is to read. */
  private focusInput(): void {
    const touch = matchMedia("(pointer: coarse)").matches;
    this.find<HTMLElement>(touch || this.tab === "help" ? ".panel" : "textarea")?.focus({
      preventScroll: true,
    });
  }

  private hear(event: ChatEvent): void {
    if (
      this.shown ||
      event.author.kind === "user" ||
      (event.type !== "message" && event.type !== "case_resolved" && event.type !== "notice")
    )
      return;
    this.unread += 1;
    this.news = `New message from ${event.author.kind === "agent" ? (event.author.name ?? "support") : "the assistant"}.`;
  }

  private readonly noticed = (event: Event): void => {
    if (this.shown) return this.session.sawNotices();
    this.unread += (event as CustomEvent<number>).detail;
    this.news = "We have repaired something on your account.";
  };

  private readonly offered = (event: Event): void => {
    this.opened = null;
    if (!this.shown) this.news = `Suggestion: ${(event as CustomEvent<Offer>).detail.text}`;
  };

  /** Take what is offered: like any request of the user's, so it can be refused and is logged in the same way. */
  private accept(): void {
    const offer = this.session.offer;
    if (offer === null) return;
    const known = this.session.answerOffer("accepted");
    if (offer.kind === "tutorial" || offer.card !== null) {
      this.opened = offer;
      void this.updateComplete.then(() =>
        this.find<HTMLElement>("[data-testid=nudge-done]")?.focus({ preventScroll: true }),
      );
      this.news = offer.card
        ? `Help article: ${offer.card.title}`
        : offer.steps.map((step, index) => `${index + 1}. ${step}`).join(" ");
    }
    if (offer.kind === "tooltip") this.rest();
    if (offer.kind === "workflow" && offer.intent) {
      void this.open();
      void known.then(() => this.session.send(offer.label, `/${offer.intent}`));
    }
    if (offer.kind === "person") {
      void this.open();
      this.askForPerson();
    }
  }

  private dismiss(): void {
    if (this.opened !== null) this.opened = null;
    else void this.session.answerOffer("dismissed");
    this.rest();
  }

  /** The suggestion is gone, and the focus with it: it stays near. */
  private rest(): void {
    this.find<HTMLElement>(".launcher")?.focus({ preventScroll: true });
  }

  /** A tooltip stays at what it is about. */
  private readonly moved = (): void => {
    if (this.session.offer?.kind === "tooltip") this.requestUpdate();
  };

  /** Stay at the end while the reader is there; whoever has scrolled up is left in peace. */
  private settle(): void {
    const place = this.find<HTMLElement>(".log");
    if (place !== null && this.pinned) place.scrollTop = place.scrollHeight;
  }

  private scrolled(event: Event): void {
    const place = event.currentTarget as HTMLElement;
    this.pinned = place.scrollHeight - place.scrollTop - place.clientHeight < near;
  }

  protected override firstUpdated(): void {
    const place = this.find<HTMLElement>(".log");
    if (place !== null) this.sizes.observe(place);
  }

  protected override updated(_: PropertyValues): void {
    const input = this.find<HTMLTextAreaElement>("textarea");
    if (input !== null && input.value !== this.session.draft) input.value = this.session.draft;
    if (input !== null) fit(input);
    this.settle();
    // History is not news: the log speaks only once it has been filled.
    if (this.session.caughtUp && !this.speaking) setTimeout(() => (this.speaking = true), 600);
  }

  private submit(given?: Event): void {
    given?.preventDefault();
    const text = this.session.draft.trim();
    if (text === "" || length(text) > MAX_TEXT) return;
    this.session.write("");
    this.pinned = true;
    this.session.send(text);
    this.find<HTMLElement>("textarea")?.focus();
  }

  private turnTo(tab: Tab): void {
    this.tab = tab;
    void this.updateComplete.then(() =>
      this.find<HTMLElement>(`#tab-${tab}`)?.focus({ preventScroll: true }),
    );
  }

  private arrow(event: KeyboardEvent): void {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    this.turnTo(this.tab === "chat" ? "help" : "chat");
  }

  /** Go on in the chat with what was looked for; the user may still change it. */
  private askInChat(given: Event): void {
    void this.open((given as CustomEvent<string>).detail);
    this.tab = "chat";
  }

  private suggest(text: string): void {
    this.pinned = true;
    this.session.send(text);
    this.focusInput();
  }

  private resume(): void {
    this.pinned = true;
    this.speaking = false;
    this.session.resume();
    this.focusInput();
  }

  private choose(choice: Choice): void {
    this.pinned = true;
    this.session.send(choice.title, choice.payload);
    this.focusInput();
  }

  private askForPerson(): void {
    this.pinned = true;
    void this.session.askForPerson();
    this.focusInput();
  }

  private pressed(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.submit(event);
  }

  private escape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    this.close();
  }

  protected override render(): TemplateResult {
    const label = this.shown
      ? "Close support chat"
      : this.unread > 0
        ? `Help: open support chat, ${this.unread} new`
        : "Help: open support chat";
    return html`
      <div class="unseen" role="status">${this.news}</div>
      <button
        type="button"
        class="launcher"
        data-testid="widget-launcher"
        aria-expanded=${this.shown}
        aria-controls="panel"
        aria-label=${label}
        @click=${() => (this.shown ? this.close() : void this.open())}
      >
        ${this.shown ? icons.close : icons.mark}<span class="word" aria-hidden="true"
          >${this.shown ? "Close" : "Help"}</span
        >
        ${this.unread > 0 ? html`<span class="badge" data-testid="widget-badge" aria-hidden="true">${this.unread > 9 ? "9+" : this.unread}</span>` : nothing}
      </button>
      ${this.suggestion()}
      <section
        class="panel"
        id="panel"
        role="dialog"
        aria-modal="false"
        aria-labelledby="title"
        tabindex="-1"
        data-testid="widget-panel"
        ?hidden=${!this.shown}
        @keydown=${this.escape}
      >
        ${this.head()} ${this.tabs()} ${this.standing()}
        <div class="chat" role="tabpanel" id="chat" aria-labelledby="tab-chat" ?hidden=${this.tab !== "chat"}>
          <div
            class="log"
            role="log"
            aria-label="Conversation"
            aria-live=${this.speaking ? "polite" : "off"}
            tabindex="0"
            @scroll=${this.scrolled}
          >
            ${this.greeting()} ${keptNotices(this.session)}
            ${log(this.session, (choice) => this.choose(choice))}
          </div>
          <div class="live" role="status">${typist(this.session)}</div>
          ${this.composer()}
        </div>
        <firstline-help
          role="tabpanel"
          id="help"
          aria-labelledby="tab-help"
          ?hidden=${this.tab !== "help"}
          .shelf=${this.shelf}
          .ask=${(words: string) => this.session.search(words)}
          @chat=${this.askInChat}
        ></firstline-help>
      </section>
    `;
  }

  private suggestion(): unknown {
    const offer = this.opened ?? this.session.offer;
    if (offer === null || this.shown) return nothing;
    return nudge(offer, this.opened !== null, this.session.baseUrl, {
      accept: () => this.accept(),
      dismiss: () => this.dismiss(),
    });
  }

  private head(): TemplateResult {
    const { owner } = this.session;
    const who =
      owner.kind === "agent"
        ? (owner.name ?? "A person")
        : owner.kind === "queue"
          ? "In the queue"
          : "Assistant";
    return html`<div class="head" data-owner=${owner.kind}>
      <span class="mark">${owner.kind === "bot" ? icons.mark : icons.person}</span>
      <div>
        <h2 id="title">Support</h2>
        <p data-testid="widget-owner">${who}</p>
      </div>
      <button
        type="button"
        class="person"
        data-testid="widget-person"
        ?disabled=${owner.kind !== "bot" || this.session.askingForPerson}
        @click=${this.askForPerson}
      >
        ${this.session.askingForPerson ? "Asking…" : "Talk to a person"}
      </button>
      <button
        type="button"
        class="plain"
        data-testid="widget-close"
        aria-label="Close"
        @click=${() => this.close()}
      >
        ${icons.close}
      </button>
    </div>`;
  }

  private tabs(): TemplateResult {
    const tab = (name: Tab, label: string): TemplateResult =>
      html`<button
        type="button"
        role="tab"
        id="tab-${name}"
        data-testid="widget-tab-${name}"
        aria-controls=${name}
        aria-selected=${this.tab === name}
        tabindex=${this.tab === name ? 0 : -1}
        @click=${() => this.turnTo(name)}
      >
        ${label}
      </button>`;
    return html`<div class="tabs" role="tablist" aria-label="Support" @keydown=${this.arrow}>
      ${tab("chat", "Chat")}${tab("help", "Help")}
    </div>`;
  }

  /** What the user should know before reading on: trouble, or the place in the queue. */
  private standing(): unknown {
    const { handover, owner, link, trouble } = this.session;
    const cut = !navigator.onLine
      ? "You are offline."
      : link === "offline"
        ? "Support can't be reached right now."
        : null;
    const said =
      trouble ??
      (cut === null ? null : `${cut} What you write is kept and sent when the connection is back.`);
    return html`<div role="status">
        ${
          said !== null
            ? html`<div class="banner bad" data-testid="trouble-banner">
                <p>${said}</p>
                ${trouble ? html`<button type="button" class="link" @click=${() => this.session.load()}>Try again</button>` : nothing}
              </div>`
            : nothing
        }
        ${
          owner.kind === "queue"
            ? html`<div class="banner people" data-testid="queue-banner">
                <p>
                  <strong>${place(handover?.position ?? null)}</strong> You can keep writing or close this;
                  we'll keep your place.
                </p>
              </div>`
            : nothing
        }
      </div>
      ${
        owner.kind !== "bot" && handover?.shared.length
          ? html`<details class="shared" data-testid="handoff-shared" ?open=${owner.kind === "queue"}>
              <summary>
                ${owner.kind === "agent" ? `What ${owner.name ?? "they"} can see` : "What we passed on"}
              </summary>
              <ul>
                ${handover.shared.map((item) => html`<li>${item}</li>`)}
              </ul>
            </details>`
          : nothing
      }`;
  }

  private greeting(): TemplateResult {
    const first = this.session.name?.split(" ")[0];
    return html`<div class="greeting">
      <p class="hello">${first ? `Hello ${first}.` : "Hello."} What can we sort out?</p>
      <p>The assistant answers at once and can fix common problems. A person is one press away.</p>
      ${
        this.session.earlier && !this.session.started
          ? html`<p class="earlier">
              <button type="button" class="link" data-testid="widget-earlier" @click=${this.resume}>
                Go on with your conversation of ${day(this.session.earlier.created_at)},
                ${clock(this.session.earlier.created_at)}
              </button>
            </p>`
          : nothing
      }
      ${
        this.session.started
          ? nothing
          : html`<ul class="chips" aria-label="Suggestions">
              ${this.suggestions.map((text) => html`<li><button type="button" data-testid="suggestion" @click=${() => this.suggest(text)}>${text}</button></li>`)}
            </ul>`
      }
    </div>`;
  }

  private composer(): TemplateResult {
    const count = length(this.session.draft.trim());
    const over = count - MAX_TEXT;
    const ready = count > 0 && over <= 0;
    return html`<form class="composer" @submit=${this.submit}>
      <textarea
        rows="1"
        data-testid="widget-input"
        aria-label="Your message"
        placeholder="Write a message"
        aria-invalid=${over > 0}
        aria-describedby="count"
        enterkeyhint="send"
        @input=${(event: InputEvent) => {
          this.session.write((event.target as HTMLTextAreaElement).value);
          this.requestUpdate();
        }}
        @keydown=${this.pressed}
      ></textarea>
      <button type="submit" class="send" data-testid="widget-send" aria-label="Send" ?disabled=${!ready}>
        ${icons.send}
      </button>
      <p id="count" class=${over > 0 ? "count over" : "count"} data-testid="widget-count">
        ${count < countFrom ? nothing : over > 0 ? `${over} characters too many` : `${-over} characters left`}
      </p>
    </form>`;
  }
}

function place(position: number | null): string {
  if (position === null) return "A person will be with you.";
  if (position === 1) return "You're next.";
  return `You're number ${position} in the queue.`;
}

function fit(input: HTMLTextAreaElement): void {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, 140)}px`;
}

if (!customElements.get("firstline-widget")) customElements.define("firstline-widget", FirstlineWidget);

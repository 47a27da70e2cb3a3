import { Http, Refused, Tokens } from "./http";
import { Link, type LinkListener, type LinkState } from "./link";
import { Memory, type Pending } from "./local-state";
import { Behaviour, type BehaviourEvent } from "../behaviour/behaviour";
import {
  newKey,
  type ChatEvent,
  type Conversation,
  type Found,
  type KeptNotice,
  type MessageEvent,
  type Offer,
  type Owner,
  type Page,
  type ResolutionCard,
} from "../shared/wire";

export interface Options {
  /** Where Firstline is, for example "https://support.example.com". */
  baseUrl: string;
  /** Gives a token that the host application signed for its user. */
  getToken: () => Promise<string> | string;
  page?: Page;
  theme?: "auto" | "light" | "dark";
  suggestions?: string[];
  /** Address of the page's own file that loads Firstline's offline.js, for help without a connection. */
  offline?: string;
  /** Whether the user has agreed that the page tells how they get on; without it nothing is watched. */
  behaviour?: { consent: boolean };
}

export interface Handover {
  shared: string[];
  position: number | null;
  waiting: number | null;
}

const recent = 24 * 60 * 60 * 1000;
const typingShown = 9_000;
const thinkingShown = 20_000;
const typingEvery = 3_000;
const typingEnds = 5_000;

/** The user's conversation and everything the panel shows of it. Fires "change" whenever something is new. */
export class Session extends EventTarget implements LinkListener {
  events: ChatEvent[] = [];
  outbox: Pending[] = [];
  draft = "";
  owner: Owner = { kind: "bot", name: null };
  handover: Handover | null = null;
  typist: { kind: string; name: string | null } | null = null;
  link: LinkState = "idle";
  /** What stands in the way, in plain words. */
  trouble: string | null = null;
  askingForPerson = false;
  loaded = false;
  /** Whether all that was there at the start has arrived; what comes afterwards is news. */
  caughtUp = false;
  name: string | null = null;
  /** A conversation that another browser of the user's began and that may be gone on with here. */
  earlier: Conversation | null = null;
  feedback = new Map<number, boolean>();
  /** What was repaired for the user and stands in no conversation. */
  notices: KeptNotice[] = [];
  /** Help that is offered right now. */
  offer: Offer | null = null;

  readonly behaviour = new Behaviour((events) => this.tellBehaviour(events));
  private readonly http: Http;
  private readonly memory: Memory;
  private conversation: Conversation | null = null;
  private line: Link | null = null;
  private stumbled: Refused | null = null;
  private old = 0;
  private pumping = false;
  /** Whether the page has said who the user is, since this was made. */
  private known = false;
  private found: Promise<void> | null = null;
  private typistEnds: ReturnType<typeof setTimeout> | undefined;
  private typingSaid = 0;
  private typingStops: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private answered = "";
  private offerEnds: ReturnType<typeof setTimeout> | undefined;
  private readonly tabs: BroadcastChannel | null;

  constructor(private readonly options: Options) {
    super();
    const baseUrl = options.baseUrl.replace(/\/+$/, "");
    this.memory = new Memory(baseUrl);
    this.http = new Http(
      baseUrl,
      new Tokens(options.getToken, (identity) => this.become(identity.key, identity.name)),
    );
    this.tabs = typeof BroadcastChannel === "function" ? new BroadcastChannel(`firstline:${baseUrl}`) : null;
    // Another tab of the same user has begun a conversation; which one, the server says.
    this.tabs?.addEventListener("message", () => {
      if (this.conversation === null && this.loaded) void this.load();
    });
  }

  get baseUrl(): string {
    return this.http.baseUrl;
  }

  get open(): boolean {
    return this.memory.open;
  }

  set open(open: boolean) {
    this.memory.open = open;
  }

  get started(): boolean {
    return this.events.some((event) => event.type === "message") || this.outbox.length > 0;
  }

  stop(): void {
    this.behaviour.stop();
    this.line?.stop();
    this.line = null;
    this.tabs?.close();
    clearTimeout(this.retry);
  }

  /** Find the conversation to go on with, if there is one. */
  load(): Promise<void> {
    this.found ??= this.find().finally(() => (this.found = null));
    return this.found;
  }

  private async find(): Promise<void> {
    try {
      await this.http.tokens.give();
      const known = await this.http.conversations();
      const fresh = known.filter((item) => Date.now() - Date.parse(item.created_at) < recent);
      const current =
        known.find((item) => item.case !== null) ??
        fresh.find((item) => item.id === this.memory.conversation);
      this.earlier = current === undefined ? (fresh.find((item) => item.last_seq > 0) ?? null) : null;
      this.trouble = this.stumbled = null;
      this.loaded = true;
      if (current !== undefined && this.conversation === null) this.adopt(current);
      if (current === undefined) this.caughtUp = true;
      void this.pump();
      void this.askForNotices();
    } catch (error) {
      this.stumble(error);
    }
    this.tell();
  }

  /** The user agrees that the page tells how they get on, or takes that back: then what is known is forgotten. */
  consent(given: boolean): void {
    if (given) return this.behaviour.start();
    if (this.behaviour.watching) void this.http.behaviour(false, []).catch(() => undefined);
    this.behaviour.stop();
    void this.answerOffer("ignored");
  }

  private async tellBehaviour(events: BehaviourEvent[]): Promise<void> {
    try {
      const [offer] = await this.http.behaviour(true, events);
      if (offer !== undefined && this.owner.kind === "bot") this.make(offer);
    } catch (error) {
      // What the server will not take now or ever is not worth sending again; the rest is.
      if (error instanceof Refused && !error.passing) return;
      throw error;
    }
  }

  private make(offer: Offer): void {
    if (offer.id === this.offer?.id || offer.id === this.answered) return;
    this.offer = offer;
    clearTimeout(this.offerEnds);
    this.offerEnds = setTimeout(() => void this.answerOffer("ignored"), offer.seconds * 1000);
    this.dispatchEvent(new CustomEvent("offered", { detail: offer }));
    this.tell();
  }

  /** Resolves when the server knows; what was taken may then be asked for in the conversation. */
  async answerOffer(outcome: "accepted" | "dismissed" | "ignored"): Promise<void> {
    clearTimeout(this.offerEnds);
    const offer = this.offer;
    this.offer = null;
    this.answered = offer?.id ?? this.answered;
    this.tell();
    if (offer !== null) await this.http.answerOffer(offer.id, outcome).catch(() => undefined);
  }

  private async askForNotices(): Promise<void> {
    try {
      this.notices = await this.http.notices();
      if (this.notices.length > 0)
        this.dispatchEvent(new CustomEvent("noticed", { detail: this.notices.length }));
      this.tell();
    } catch {
      // They are kept, and asked for when the page is loaded again.
    }
  }

  /** The user has them before their eyes: they need not be shown again elsewhere. */
  sawNotices(): void {
    for (const { id } of this.notices) void this.http.noticeSeen(id).catch(() => undefined);
  }

  private stumble(error: unknown): void {
    const refused = error instanceof Refused ? error : new Refused(0, "failed", "Something went wrong.");
    this.stumbled = refused;
    this.trouble = refused.message;
    if (!refused.passing) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.load(), 5_000 + Math.random() * 10_000);
  }

  private become(identity: string, name: string | null): void {
    this.line?.stop();
    this.line = null;
    this.conversation = null;
    this.earlier = null;
    this.events = [];
    this.handover = null;
    this.owner = { kind: "bot", name: null };
    this.feedback.clear();
    this.notices = [];
    this.caughtUp = false;
    this.name = name;
    const typed = this.draft;
    // What was typed and sent off before the page had said who the user is; of somebody else's, nothing.
    const unsent = this.known ? [] : this.outbox;
    const begun = this.known ? "" : typed;
    this.known = true;
    Object.assign(this, this.memory.of(identity));
    if (begun !== "") this.draft = begun;
    if (unsent.length > 0) this.outbox = [...this.outbox, ...unsent];
    if (unsent.length > 0) this.keep();
    if (this.loaded) queueMicrotask(() => void this.load());
  }

  /** Go on with the conversation that was begun elsewhere. */
  resume(): void {
    if (this.earlier === null || this.conversation !== null) return;
    this.adopt(this.earlier);
    this.tell();
  }

  /** Go to another conversation of the user's: the one in which a person answers. */
  async turnTo(id: string): Promise<void> {
    try {
      const conversation = await this.http.conversation(id);
      this.line?.stop();
      this.events = [];
      this.handover = null;
      this.owner = conversation.owner;
      this.feedback.clear();
      this.adopt(conversation);
      this.trouble = null;
    } catch (error) {
      this.trouble = error instanceof Refused ? error.message : "Something went wrong.";
    }
    this.tell();
  }

  private adopt(conversation: Conversation): void {
    this.conversation = conversation;
    this.memory.conversation = conversation.id;
    this.earlier = null;
    this.old = conversation.last_seq;
    this.caughtUp = this.old === 0;
    this.line = new Link(this.http, conversation.id, this);
  }

  private tell(): void {
    this.dispatchEvent(new Event("change"));
  }

  private keep(): void {
    this.memory.keep({ draft: this.draft, outbox: this.outbox });
  }

  // What the line reports.

  cursor(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  state(state: LinkState): void {
    this.link = state;
    if (state === "live" || state === "polling") {
      this.trouble = null;
      void this.pump();
    }
    if (state === "refused")
      this.trouble = "This page could not confirm who you are. Sign in again, then try once more.";
    this.tell();
  }

  welcome(conversation: Conversation): void {
    this.conversation = conversation;
    this.owner = conversation.owner;
    if (conversation.owner.kind === "bot") this.handover = null;
    else if (conversation.case !== null) {
      this.handover = {
        shared: this.handover?.shared ?? [],
        position: conversation.case.position ?? null,
        waiting: conversation.case.waiting ?? null,
      };
    }
    this.tell();
  }

  event(event: ChatEvent): void {
    if (event.seq <= this.cursor()) return;
    this.events = [...this.events, event];
    const before = this.outbox.length;
    if (event.client_key !== null) this.outbox = this.outbox.filter((item) => item.key !== event.client_key);
    if (this.outbox.length !== before) this.keep();
    this.apply(event);
    if (event.seq >= this.old && !this.caughtUp) {
      this.caughtUp = true;
    } else if (event.seq > this.old) {
      this.dispatchEvent(new CustomEvent("news", { detail: event }));
      const card = event.type === "message" ? event.data.card : null;
      const told = event.type === "notice" ? event.data.card : null;
      if (told?.type === "resolution") this.resolved(told);
      if (card?.type === "resolution" && card.outcome === "verified") this.resolved(card);
    }
    this.tell();
  }

  private apply(event: ChatEvent): void {
    if (event.type === "owner_changed") {
      this.owner = event.data.owner;
      if (event.data.owner.kind === "bot") this.handover = null;
      if (event.data.owner.kind === "agent" && this.handover)
        this.handover = { ...this.handover, position: null };
    } else if (event.type === "handoff") {
      this.handover = {
        position: this.handover?.position ?? null,
        waiting: this.handover?.waiting ?? null,
        shared: event.data.shared ?? [],
      };
    } else if (event.type === "feedback") {
      this.feedback.set(event.data.about_seq, event.data.helpful);
    }
    if (event.author.kind !== "user") this.seeTypist(null, 0);
    else if (event.type === "message" && this.owner.kind === "bot" && event.seq > this.old) {
      this.seeTypist({ kind: "bot", name: null }, thinkingShown);
    }
  }

  private resolved(card: ResolutionCard): void {
    dispatchEvent(new CustomEvent("firstline:resolved", { detail: card }));
  }

  typing(kind: string, name: string | null, active: boolean): void {
    if (kind === "user") return;
    this.seeTypist(active ? { kind, name } : null, typingShown);
    this.tell();
  }

  private seeTypist(typist: { kind: string; name: string | null } | null, shown: number): void {
    clearTimeout(this.typistEnds);
    this.typist = typist;
    if (typist !== null) {
      this.typistEnds = setTimeout(() => {
        this.typist = null;
        this.tell();
      }, shown);
    }
  }

  queue(position: number, waiting: number): void {
    this.handover = { shared: this.handover?.shared ?? [], position, waiting };
    this.tell();
  }

  /** What readers find for these words. Throws `Refused`. */
  search(words: string): Promise<Found[]> {
    return this.http.search(words);
  }

  // What the user does.

  write(draft: string): void {
    this.draft = draft;
    this.keep();
    clearTimeout(this.typingStops);
    if (draft.trim() === "") return this.stopTyping();
    if (Date.now() - this.typingSaid > typingEvery) {
      this.typingSaid = Date.now();
      this.line?.typing(true);
    }
    this.typingStops = setTimeout(() => this.stopTyping(), typingEnds);
  }

  private stopTyping(): void {
    clearTimeout(this.typingStops);
    if (this.typingSaid !== 0) this.line?.typing(false);
    this.typingSaid = 0;
  }

  send(text: string, choice: string | null = null): void {
    this.stopTyping();
    this.outbox = [...this.outbox, { key: newKey(), text, choice, status: "sending", reason: null }];
    this.keep();
    this.tell();
    void this.pump();
  }

  resend(key: string): void {
    this.mark(key, "sending", null);
    void this.pump();
  }

  discard(key: string): void {
    this.outbox = this.outbox.filter((item) => item.key !== key);
    this.keep();
    this.tell();
  }

  private mark(key: string, status: Pending["status"], reason: string | null): void {
    this.outbox = this.outbox.map((item) => (item.key === key ? { ...item, status, reason } : item));
    this.keep();
    this.tell();
  }

  /** Send what waits, one after the other so that the order stays; a key makes sending again harmless. */
  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    try {
      for (;;) {
        const next = this.outbox.find((item) => item.status === "sending" || item.status === "waiting");
        if (next === undefined) return;
        if (!(await this.deliver(next))) return;
      }
    } finally {
      this.pumping = false;
    }
  }

  private async deliver(item: Pending): Promise<boolean> {
    try {
      const conversation = await this.begin();
      // Who the user is may only now be known, and older messages of theirs come first.
      const first = this.outbox.find((one) => one.status === "sending" || one.status === "waiting");
      if (first?.key !== item.key) return true;
      const message = item.choice === null ? { text: item.text } : { text: item.text, choice: item.choice };
      const event = (await this.http.send(conversation.id, message, item.key)) as MessageEvent;
      this.acknowledge(item.key, event);
      return true;
    } catch (error) {
      const refused = error instanceof Refused ? error : new Refused(0, "unreachable", "That did not work.");
      if (!refused.passing || refused.code === "no_token") {
        this.mark(item.key, "failed", refused.message);
        return true;
      }
      this.mark(item.key, "waiting", refused.message);
      clearTimeout(this.retry);
      this.retry = setTimeout(
        () => void this.pump(),
        (refused.retryAfter ?? 3) * 1000 + Math.random() * 1500,
      );
      return false;
    }
  }

  private acknowledge(key: string, event: MessageEvent): void {
    if (!this.outbox.some((item) => item.key === key)) return;
    // The line brings the event in its place; until then the message stays where it is, as sent.
    if (this.cursor() === event.seq - 1) this.event(event);
    else {
      this.outbox = this.outbox.map((item) =>
        item.key === key ? { ...item, status: "sent" as const } : item,
      );
      this.keep();
      this.tell();
    }
  }

  private async begin(): Promise<Conversation> {
    if (this.conversation !== null) return this.conversation;
    if (!this.loaded || this.found) await this.load();
    else await this.find();
    if (this.conversation !== null) return this.conversation;
    if (this.stumbled !== null) throw this.stumbled;
    // What follows the path may open something (a reset token); it stays in the browser.
    const page = this.options.page ?? { url: location.origin + location.pathname, title: document.title };
    const client = {
      language: navigator.language,
      width: innerWidth,
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
    let begun: Conversation;
    try {
      begun = await this.http.start(
        { url: page.url.slice(0, 2000), title: page.title.slice(0, 300) },
        client,
      );
    } catch (error) {
      const last =
        error instanceof Refused && error.status === 429 ? (await this.http.conversations())[0] : undefined;
      if (last === undefined) throw error;
      // Too many were begun: what the user has written is said in the last one.
      this.adopt(last);
      return last;
    }
    this.adopt(begun);
    this.tabs?.postMessage("begun");
    return begun;
  }

  async askForPerson(): Promise<void> {
    if (this.askingForPerson) return;
    this.askingForPerson = true;
    this.tell();
    try {
      const conversation = await this.begin();
      const given = await this.http.handoff(conversation.id);
      this.trouble = null;
      // What was said about it comes over the line, with the way to that conversation.
      if (given.joined) return;
      if (this.owner.kind === "bot") this.owner = { kind: "queue", name: null };
      this.handover ??= { shared: [], position: given.position, waiting: null };
    } catch (error) {
      const why = error instanceof Refused ? error.message : "Something went wrong.";
      this.trouble = `We couldn't ask for a person: ${why} Please try again.`;
    } finally {
      this.askingForPerson = false;
      this.tell();
    }
  }

  async rate(about: number, helpful: boolean): Promise<void> {
    if (this.conversation === null || this.feedback.has(about)) return;
    this.feedback.set(about, helpful);
    this.tell();
    try {
      await this.http.feedback(this.conversation.id, about, helpful);
    } catch (error) {
      this.feedback.delete(about);
      if (error instanceof Refused && error.status === 429) {
        // The answer given stays, and is sent when it is its time.
        this.feedback.set(about, helpful);
        setTimeout(
          () => {
            this.feedback.delete(about);
            void this.rate(about, helpful);
          },
          (error.retryAfter ?? 5) * 1000,
        );
      }
      this.tell();
    }
  }
}

import { Problem, call, get, wordsOf } from "../shared/api";
import { Following, type Follower } from "../shared/staff-link";
import type { CaseDetail, ChatEvent, Conversation } from "../shared/types";
import { newKey } from "../shared/wire";

export interface Pending {
  key: string;
  text: string;
  /** Null while it is being sent. */
  failed: string | null;
  /** The server has it; the line has still to bring it in its place. */
  sent?: true;
}

interface Kept {
  draft: string;
  pending: Pending[];
}

const typingShown = 8_000;
const typingEvery = 3_000;
const typingEnds = 4_000;
const askEvery = 5_000;

/** The conversation of one case: what was said, who types, and what is on its way. Draft and unsent messages outlive a reload. */
export class Thread implements Follower {
  events: ChatEvent[] = [];
  userTypes = false;
  live = false;
  /** The live line is down, but asking for news works. */
  asking = false;
  unread = 0;
  /** Whether an agent looks at it now. */
  watched = false;
  private old: number | null = null;
  private readonly following: Following;
  private readonly kept: Kept;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  private stopTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly askTimer: ReturnType<typeof setInterval>;
  private saidTyping = 0;
  private sending = false;

  constructor(
    readonly caseId: string,
    conversation: string,
    events: ChatEvent[],
    private readonly changed: (event?: ChatEvent) => void,
  ) {
    this.events = events;
    this.kept = restore(caseId);
    this.drop();
    this.following = new Following(conversation, this);
    this.askTimer = setInterval(() => void this.ask(), askEvery);
    void this.pump();
  }

  stop(): void {
    this.following.stop();
    clearTimeout(this.typingTimer);
    clearTimeout(this.stopTimer);
    clearTimeout(this.retryTimer);
    clearInterval(this.askTimer);
  }

  get pending(): readonly Pending[] {
    return this.kept.pending;
  }

  get draft(): string {
    return this.kept.draft;
  }

  cursor(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  welcome(conversation: Pick<Conversation, "last_seq">): void {
    this.old ??= conversation.last_seq;
  }

  connected(live: boolean): void {
    this.live = live;
    this.asking = false;
    if (live) void this.pump();
    this.changed();
  }

  /** Where no live line gets through, or while it is down, news is asked for. */
  private async ask(): Promise<void> {
    if (this.live) return;
    try {
      const { conversation, events } = await get<CaseDetail>(`/cases/${this.caseId}`);
      if (this.live) return;
      this.welcome(conversation);
      for (const event of events) this.event(event);
      this.asking = true;
    } catch {
      this.asking = false;
    }
    this.changed();
  }

  event(event: ChatEvent): void {
    if (event.seq <= this.cursor()) return;
    this.events = [...this.events, event];
    this.drop(event.client_key);
    if (event.author.kind === "user" && event.type === "message") {
      this.userTypes = false;
      if (!this.watched && this.old !== null && event.seq > this.old) this.unread += 1;
    }
    this.changed(this.old !== null && event.seq > this.old ? event : undefined);
  }

  typing(kind: string, active: boolean): void {
    if (kind !== "user") return;
    clearTimeout(this.typingTimer);
    this.userTypes = active;
    if (active) {
      this.typingTimer = setTimeout(() => {
        this.userTypes = false;
        this.changed();
      }, typingShown);
    }
    this.changed();
  }

  write(draft: string, mine: boolean): void {
    this.kept.draft = draft;
    this.keep();
    clearTimeout(this.stopTimer);
    if (!mine || draft.trim() === "") return this.stopTyping();
    if (Date.now() - this.saidTyping > typingEvery) {
      this.saidTyping = Date.now();
      this.sayTyping(true);
    }
    this.stopTimer = setTimeout(() => this.stopTyping(), typingEnds);
  }

  private stopTyping(): void {
    clearTimeout(this.stopTimer);
    if (this.saidTyping !== 0) this.sayTyping(false);
    this.saidTyping = 0;
  }

  private sayTyping(active: boolean): void {
    if (this.following.typing(active)) return;
    call("POST", `/cases/${this.caseId}/typing`, { body: { active } }).catch(() => undefined);
  }

  send(text: string): void {
    this.stopTyping();
    this.kept.draft = "";
    this.kept.pending.push({ key: newKey(), text, failed: null });
    this.keep();
    this.changed();
    void this.pump();
  }

  retry(key: string): void {
    const item = this.kept.pending.find((one) => one.key === key);
    if (item) item.failed = null;
    this.changed();
    void this.pump();
  }

  /** Put a message that did not go out back into the text field. */
  takeBack(key: string): void {
    const item = this.kept.pending.find((one) => one.key === key);
    if (!item) return;
    this.kept.draft = [this.kept.draft, item.text].filter((part) => part !== "").join("\n");
    this.drop(key);
    this.changed();
  }

  /** Send what waits in order; the key makes a second attempt harmless. */
  private async pump(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.retryTimer);
    try {
      for (let next = this.next(); next; next = this.next()) {
        try {
          const event = await call<ChatEvent>("POST", `/cases/${this.caseId}/messages`, {
            body: { text: next.text },
            key: next.key,
          });
          if (event.seq === this.cursor() + 1) this.event(event);
          // Otherwise the line brings it in its place; a closed line does when it is back.
          else if (this.events.some((known) => known.client_key === next?.key)) this.drop(next.key);
          else next.sent = true;
        } catch (error) {
          if (
            error instanceof Problem &&
            (error.status === 0 || error.status >= 500 || error.status === 429)
          ) {
            this.retryTimer = setTimeout(() => void this.pump(), 3_000);
            return;
          }
          next.failed = wordsOf(error);
          this.keep();
          this.changed();
        }
      }
    } finally {
      this.sending = false;
    }
  }

  private next(): Pending | undefined {
    return this.kept.pending.find((item) => item.failed === null && !item.sent);
  }

  private drop(key: string | null = null): void {
    const known = new Set(this.events.map((event) => event.client_key));
    const before = this.kept.pending.length;
    this.kept.pending = this.kept.pending.filter((item) => item.key !== key && !known.has(item.key));
    if (this.kept.pending.length !== before || key !== null) this.keep();
  }

  private keep(): void {
    try {
      const empty = this.kept.draft === "" && this.kept.pending.length === 0;
      if (empty) sessionStorage.removeItem(place(this.caseId));
      else sessionStorage.setItem(place(this.caseId), JSON.stringify(this.kept));
    } catch {
      // Storage is full or refused: it works without.
    }
  }
}

const place = (caseId: string): string => `firstline:case:${caseId}`;

function restore(caseId: string): Kept {
  try {
    const found = JSON.parse(sessionStorage.getItem(place(caseId)) ?? "{}") as Partial<Kept>;
    return { draft: found.draft ?? "", pending: found.pending ?? [] };
  } catch {
    return { draft: "", pending: [] };
  }
}

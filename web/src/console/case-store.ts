import { call, get, wordsOf } from "../shared/api";
import type { Case, CaseDetail, CaseList, CaseOutcome, ChatEvent } from "../shared/types";
import { Thread } from "./case-thread";

export interface DeskListener {
  changed(): void;
  /** A case has come into the queue while the page was open. */
  arrived(one: Case): void;
  /** The user of one of the agent's cases wrote. */
  wrote(one: Case | undefined): void;
}

const pollEvery = 20_000;

/** The agent's desk: the queue as it is now, the case that is open, and the conversations of the agent's cases. */
export class Desk {
  cases: Case[] = [];
  resolved: Case[] | null = null;
  loaded = false;
  live = false;
  /** Why the queue can't be read now. */
  trouble = "";
  /** Why what the agent wanted was refused. */
  refused = "";
  selected: string | null = null;
  detail: CaseDetail | null = null;
  busy = false;
  private readonly threads = new Map<string, Thread>();
  private stream: EventSource | null = null;
  private poll: ReturnType<typeof setInterval> | undefined;
  private soon: ReturnType<typeof setTimeout> | undefined;
  private known: Set<string> | null = null;
  private fetchedAt = 0;

  constructor(
    private readonly me: string,
    private readonly listener: DeskListener,
  ) {}

  start(): void {
    void this.refresh();
    this.listen();
    this.poll = setInterval(() => {
      void this.refresh();
      if (this.stream?.readyState === EventSource.CLOSED) this.listen();
    }, pollEvery);
  }

  stop(): void {
    this.stream?.close();
    this.stream = null;
    clearInterval(this.poll);
    clearTimeout(this.soon);
    for (const thread of this.threads.values()) thread.stop();
    this.threads.clear();
  }

  private listen(): void {
    this.stream?.close();
    const stream = new EventSource("/api/v1/cases/stream");
    this.stream = stream;
    stream.addEventListener("queue", () => this.refreshSoon());
    stream.onopen = () => this.set({ live: true });
    stream.onerror = () => this.set({ live: false });
  }

  private set(change: Partial<Desk>): void {
    Object.assign(this, change);
    this.listener.changed();
  }

  private refreshSoon(): void {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => void this.refresh(), 120);
  }

  get mine(): Case[] {
    return this.cases.filter((one) => one.status === "assigned" && one.assignee?.id === this.me);
  }

  get waiting(): Case[] {
    return this.cases.filter((one) => one.status === "queued");
  }

  get others(): Case[] {
    return this.cases.filter((one) => one.status === "assigned" && one.assignee?.id !== this.me);
  }

  get unread(): number {
    return [...this.threads.values()].reduce((sum, thread) => sum + thread.unread, 0);
  }

  /** Seconds a case has waited, by now. */
  waited(one: Case): number {
    return one.status === "queued"
      ? one.waited_seconds + (Date.now() - this.fetchedAt) / 1000
      : one.waited_seconds;
  }

  isMine(one: Case): boolean {
    return one.status === "assigned" && one.assignee?.id === this.me;
  }

  thread(one: Case): Thread | undefined {
    return this.threads.get(one.id);
  }

  async refresh(): Promise<void> {
    try {
      const found = await get<CaseList>("/cases?status=open");
      this.fetchedAt = Date.now();
      this.announce(found.cases);
      this.cases = found.cases;
      this.loaded = true;
      this.trouble = "";
      this.followMine();
      if (this.resolved !== null) await this.loadResolved();
      await this.reread();
    } catch (error) {
      this.trouble = wordsOf(error);
    }
    this.listener.changed();
  }

  private announce(found: Case[]): void {
    const queued = found.filter((one) => one.status === "queued");
    if (this.known !== null)
      for (const one of queued) if (!this.known.has(one.id)) this.listener.arrived(one);
    this.known = new Set([...(this.known ?? []), ...found.map((one) => one.id)]);
  }

  async loadResolved(): Promise<void> {
    this.resolved = (await get<CaseList>("/cases?status=resolved&limit=100")).cases;
    this.listener.changed();
  }

  forgetResolved(): void {
    this.resolved = null;
  }

  /** The open case may have changed hands. */
  private async reread(): Promise<void> {
    if (this.selected === null || this.detail === null) return;
    const fresh =
      this.cases.find((one) => one.id === this.selected) ??
      (this.detail.case.status === "resolved" ? this.detail.case : null);
    if (fresh === null) {
      const read = await get<CaseDetail>(`/cases/${this.selected}`);
      if (read.case.id === this.selected) this.detail = { ...this.detail, case: read.case };
    } else this.detail = { ...this.detail, case: fresh };
  }

  private followMine(): void {
    for (const one of this.mine) if (!this.threads.has(one.id)) this.follow(one, []);
    const kept = new Set([...this.mine.map((one) => one.id), this.selected]);
    for (const [id, thread] of this.threads) {
      if (kept.has(id)) continue;
      thread.stop();
      this.threads.delete(id);
    }
  }

  private follow(one: Case, events: ChatEvent[]): Thread {
    const thread = new Thread(one.id, one.conversation_id, events, (event) => {
      if (event?.author.kind === "user" && event.type === "message")
        this.listener.wrote(this.mine.find((mine) => mine.id === one.id));
      if (event?.type === "owner_changed") this.refreshSoon();
      this.listener.changed();
    });
    this.threads.set(one.id, thread);
    return thread;
  }

  async select(id: string | null): Promise<void> {
    const before = this.selected === null ? undefined : this.threads.get(this.selected);
    if (before) before.watched = false;
    this.selected = id;
    this.detail = null;
    this.refused = "";
    this.listener.changed();
    if (id === null) return;
    try {
      const detail = await get<CaseDetail>(`/cases/${encodeURIComponent(id)}`);
      if (this.selected !== id) return;
      this.detail = detail;
      const thread = this.threads.get(id) ?? this.follow(detail.case, detail.events);
      thread.watched = true;
      thread.unread = 0;
      this.followMine();
    } catch (error) {
      if (this.selected === id) this.refused = wordsOf(error);
    }
    this.listener.changed();
  }

  /** Claim, take over, put back or resolve the open case; true when it went through. */
  async act(
    what: "claim" | "release" | "resolve",
    body?: { take_over?: boolean; outcome?: CaseOutcome; note?: string; tell_user?: boolean },
  ): Promise<boolean> {
    if (this.detail === null || this.busy) return false;
    const id = this.detail.case.id;
    this.set({ busy: true, refused: "" });
    try {
      const changed = await call<Case>(
        "POST",
        `/cases/${id}/${what}`,
        what === "release" ? {} : { body: body ?? {} },
      );
      if (this.detail?.case.id === id) this.detail = { ...this.detail, case: changed };
      this.cases = this.cases
        .map((one) => (one.id === id ? changed : one))
        .filter((one) => one.status !== "resolved");
      return true;
    } catch (error) {
      this.refused = wordsOf(error);
      return false;
    } finally {
      this.set({ busy: false });
      this.refreshSoon();
    }
  }
}

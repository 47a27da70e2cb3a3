/**
 * What survives a reload in this tab: the draft, messages without an answer, and whether the panel is open;
 * and, in this browser, which conversation it is in.
 */

export interface Pending {
  key: string;
  text: string;
  choice: string | null;
  status: "sending" | "waiting" | "sent" | "failed";
  reason: string | null;
}

interface Kept {
  draft: string;
  outbox: Pending[];
}

/** Kept per user: whoever signs in next in the same tab must not send what the one before has written. */
export class Memory {
  private who: string | null = null;

  constructor(private readonly scope: string) {}

  of(identity: string): Kept {
    this.who = identity;
    const found = read(`firstline:${this.scope}:${identity}`) as Partial<Kept> | null;
    const outbox = Array.isArray(found?.outbox)
      ? found.outbox.filter((item) => typeof item?.key === "string")
      : [];
    return {
      draft: typeof found?.draft === "string" ? found.draft : "",
      outbox: outbox.map((item) => ({ ...item, status: item.status === "failed" ? "failed" : "sending" })),
    };
  }

  keep(kept: Kept): void {
    if (this.who === null) return;
    const name = `firstline:${this.scope}:${this.who}`;
    write(name, kept.draft === "" && kept.outbox.length === 0 ? null : kept);
  }

  /** The conversation that this browser is in; all tabs share it. The server checks whose it is. */
  get conversation(): string | null {
    const found =
      this.who === null ? null : read(`firstline:${this.scope}:${this.who}:conversation`, localStore);
    return typeof found === "string" ? found : null;
  }

  set conversation(id: string | null) {
    if (this.who !== null) write(`firstline:${this.scope}:${this.who}:conversation`, id, localStore);
  }

  get open(): boolean {
    return read(`firstline:${this.scope}:open`) === true;
  }

  set open(open: boolean) {
    write(`firstline:${this.scope}:open`, open ? true : null);
  }
}

// Even to name a storage may be refused.
const sessionStore = (): Storage => sessionStorage;
const localStore = (): Storage => localStorage;

function read(name: string, store = sessionStore): unknown {
  try {
    return JSON.parse(store().getItem(name) ?? "null");
  } catch {
    return null;
  }
}

function write(name: string, value: unknown, store = sessionStore): void {
  try {
    if (value === null) store().removeItem(name);
    else store().setItem(name, JSON.stringify(value));
  } catch {
    // Storage is full or refused: the widget works without it.
  }
}

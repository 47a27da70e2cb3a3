/** What survives a reload in this tab: the draft, messages without an answer, and whether the panel is open. */

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
    const outbox = Array.isArray(found?.outbox) ? found.outbox.filter((item) => typeof item?.key === "string") : [];
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

  get open(): boolean {
    return read(`firstline:${this.scope}:open`) === true;
  }

  set open(open: boolean) {
    write(`firstline:${this.scope}:open`, open ? true : null);
  }
}

function read(name: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

function write(name: string, value: unknown): void {
  try {
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // Storage is full or refused: the widget works without it.
  }
}

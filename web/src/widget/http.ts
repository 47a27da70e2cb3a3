import type { BehaviourEvent } from "../behaviour/behaviour";
import type { AnswerIn, ConversationsOut, HandoffOut, HitsOut } from "../shared/api.generated";
import type { ChatEvent, Conversation, Found, KeptNotice, Offer, Page } from "../shared/wire";

/** An answer that is not what was asked for, in words the user can read. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** Whether the same request may do better later without the user's doing anything. */
  get passing(): boolean {
    return (
      this.status === 0 ||
      this.status === 401 ||
      this.status === 408 ||
      this.status === 429 ||
      this.status >= 500
    );
  }
}

/** Who the token speaks for; the server checks the signature, the widget only needs to know whose drafts are whose. */
export interface Identity {
  key: string;
  name: string | null;
  expires: number | null;
}

const deadline = 15_000;
const spare = 15_000;

export class Tokens {
  private token: string | null = null;
  private asked: Promise<string> | null = null;
  identity: Identity | null = null;

  constructor(
    private readonly getToken: () => Promise<string> | string,
    private readonly changed: (identity: Identity) => void,
  ) {}

  /** Give a token that is good for a while; `fresh` asks the page for a new one. */
  async give(fresh = false): Promise<string> {
    const expires = this.identity?.expires ?? null;
    const stale = expires !== null && expires - Date.now() < spare;
    if (this.token !== null && !fresh && !stale) return this.token;
    this.asked ??= this.ask().finally(() => (this.asked = null));
    return this.asked;
  }

  private async ask(): Promise<string> {
    let token: unknown;
    try {
      token = await within(deadline, Promise.resolve(this.getToken()));
    } catch {
      token = null;
    }
    // Without a connection the page cannot ask either: that passes by itself.
    if (token === null && !navigator.onLine) throw new Refused(0, "unreachable", "You are offline.");
    if (typeof token !== "string" || token === "") {
      throw new Refused(
        401,
        "no_token",
        "This page could not confirm who you are. Sign in again, then try once more.",
      );
    }
    const identity = read(token);
    const other = this.identity !== null && this.identity.key !== identity.key;
    const first = this.identity === null;
    this.token = token;
    this.identity = identity;
    if (other || first) this.changed(identity);
    return token;
  }
}

/** Firstline's HTTP API, as far as the widget needs it. */
export class Http {
  constructor(
    readonly baseUrl: string,
    readonly tokens: Tokens,
  ) {}

  async conversations(): Promise<Conversation[]> {
    return (await this.call<ConversationsOut>("GET", "/conversations")).conversations;
  }

  conversation(id: string): Promise<Conversation> {
    return this.call("GET", `/conversations/${id}`);
  }

  start(page: Page, client: Record<string, string | number | boolean>): Promise<Conversation> {
    return this.call("POST", "/conversations", { page, client });
  }

  send(id: string, message: { text: string; choice?: string }, key: string): Promise<ChatEvent> {
    return this.call("POST", `/conversations/${id}/messages`, message, { "Idempotency-Key": key });
  }

  events(
    id: string,
    after: number,
    wait: number,
    signal: AbortSignal,
  ): Promise<{ events: ChatEvent[]; last_seq: number }> {
    return this.call("GET", `/conversations/${id}/events?after=${after}&wait=${wait}`, undefined, {}, signal);
  }

  typing(id: string, active: boolean): Promise<void> {
    return this.call("POST", `/conversations/${id}/typing`, { active });
  }

  feedback(id: string, about: number, helpful: boolean): Promise<ChatEvent> {
    return this.call("POST", `/conversations/${id}/feedback`, { about_seq: about, helpful });
  }

  /** `joined`: a person has the request already, and answers in another conversation. */
  handoff(id: string): Promise<HandoffOut> {
    return this.call("POST", `/conversations/${id}/handoff`, {});
  }

  async notices(): Promise<KeptNotice[]> {
    return (await this.call<{ notices: KeptNotice[] }>("GET", "/notices")).notices;
  }

  noticeSeen(id: string): Promise<void> {
    return this.call("POST", `/notices/${encodeURIComponent(id)}/seen`);
  }

  async behaviour(consent: boolean, events: BehaviourEvent[]): Promise<Offer[]> {
    const told = { consent, events, sent_at: new Date().toISOString() };
    return (await this.call<{ offers: Offer[] }>("POST", "/behaviour", told, {}, undefined, true)).offers;
  }

  answerOffer(id: string, outcome: AnswerIn["outcome"]): Promise<void> {
    return this.call("POST", `/offers/${encodeURIComponent(id)}/outcome`, { outcome }, {}, undefined, true);
  }

  async search(words: string): Promise<Found[]> {
    return (await this.call<HitsOut>("GET", `/search?limit=8&q=${encodeURIComponent(words)}`)).hits;
  }

  /** With `outlive` the browser finishes the request though the page is left meanwhile. */
  private async call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
    outlive = false,
  ): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      const token = await this.tokens.give(attempt > 0);
      const answer = await this.fetch(method, path, token, body, headers, signal, outlive);
      if (answer.status === 401 && attempt === 0) continue;
      if (!answer.ok) throw await refusal(answer);
      return (answer.status === 204 ? undefined : await answer.json()) as T;
    }
  }

  private async fetch(
    method: string,
    path: string,
    token: string,
    body: unknown,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
    outlive: boolean,
  ): Promise<Response> {
    const given = new AbortController();
    const timer = setTimeout(() => given.abort(), signal ? 45_000 : deadline);
    signal?.addEventListener("abort", () => given.abort(), { once: true });
    try {
      return await fetch(`${this.baseUrl}/api/v1${path}`, {
        method,
        credentials: "omit",
        keepalive: outlive,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: given.signal,
      });
    } catch {
      throw new Refused(0, "unreachable", "Support can't be reached right now.");
    } finally {
      clearTimeout(timer);
    }
  }
}

async function refusal(answer: Response): Promise<Refused> {
  let problem: { code?: string; detail?: string; hint?: string | null } = {};
  try {
    problem = (await answer.json()) as typeof problem;
  } catch {
    // A proxy's page: its status says enough.
  }
  const wait = Number(answer.headers.get("Retry-After"));
  const words =
    answer.status >= 500 ? "Support has a problem right now." : (problem.detail ?? "That did not work.");
  return new Refused(
    answer.status,
    problem.code ?? "error",
    words,
    Number.isFinite(wait) && wait > 0 ? wait : null,
  );
}

function read(token: string): Identity {
  try {
    const part = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (letter) =>
      letter.charCodeAt(0),
    );
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return {
      key: `${text(claims.iss)}:${text(claims.sub)}`,
      name: typeof claims.name === "string" ? claims.name : null,
      expires: typeof claims.exp === "number" ? claims.exp * 1000 : null,
    };
  } catch {
    return { key: "unknown", name: null, expires: null };
  }
}

function text(claim: unknown): string {
  return typeof claim === "string" ? claim : claim == null ? "" : JSON.stringify(claim);
}

function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("too slow")), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

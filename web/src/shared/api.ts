import type { Session } from "./types";

/** An answer that is not what was asked for, in words for the person who reads it. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly hint: string | null = null,
    readonly extra: Record<string, unknown> = {},
  ) {
    super(detail);
  }

  /** What happened and what to do about it. */
  get words(): string {
    return this.hint && /[.!?]$/.test(this.hint) && !/\b(GET|POST|PUT|PATCH) \//.test(this.hint)
      ? `${this.message} ${this.hint}`
      : this.message;
  }
}

export function wordsOf(error: unknown): string {
  return error instanceof Problem
    ? error.words
    : "Something went wrong in this page. Reload it, then try again.";
}

/** Fired on window when the server says that nobody is signed in any more. */
export const sessionEnded = "firstline:session-ended";

const deadline = 20_000;
let csrf = "";

interface Sent {
  /** Sent as JSON; a file or a form as it is. */
  body?: unknown;
  /** Milliseconds until it is given up; uploads take longer. */
  within?: number;
  /** Idempotency key: the same one makes sending again harmless. */
  key?: string;
  signal?: AbortSignal;
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return call<T>("GET", path, signal ? { signal } : {});
}

/** Call Firstline's API by the session cookie. Raises `Problem`. */
export async function call<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await request(method, path, sent);
    if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
    const problem = await read(answer);
    if (problem.code === "csrf" && attempt === 0) {
      await session.find();
      continue;
    }
    const ended = problem.status === 401 || problem.code === "password_change_required";
    if (ended && !path.startsWith("/session")) dispatchEvent(new Event(sessionEnded));
    throw problem;
  }
}

async function request(method: string, path: string, sent: Sent): Promise<Response> {
  const given = new AbortController();
  const timer = setTimeout(() => given.abort(), sent.within ?? deadline);
  sent.signal?.addEventListener("abort", () => given.abort(), { once: true });
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  const raw = sent.body instanceof Blob || sent.body instanceof FormData ? sent.body : null;
  if (raw === null && sent.body !== undefined) headers["Content-Type"] = "application/json";
  if (sent.key !== undefined) headers["Idempotency-Key"] = sent.key;
  try {
    return await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      body: raw ?? (sent.body === undefined ? null : JSON.stringify(sent.body)),
      signal: given.signal,
    });
  } catch (error) {
    if (sent.signal?.aborted) throw error;
    throw new Problem(
      0,
      "unreachable",
      "Firstline can't be reached.",
      "Check your connection; nothing is lost.",
    );
  } finally {
    clearTimeout(timer);
  }
}

async function read(answer: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    body = (await answer.json()) as Record<string, unknown>;
  } catch {
    // A proxy's page: its status says enough.
  }
  const { code, detail, hint, ...extra } = body;
  const words =
    typeof detail === "string"
      ? detail
      : answer.status >= 500
        ? "Firstline has a problem right now."
        : "That did not work.";
  return new Problem(
    answer.status,
    typeof code === "string" ? code : "error",
    words,
    typeof hint === "string" ? hint : null,
    extra,
  );
}

/** Who is signed in. The CSRF token stays in here. */
export const session = {
  async find(): Promise<Session | null> {
    try {
      return keep(await get<Session>("/session"));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
  async begin(email: string, password: string): Promise<Session> {
    return keep(await call<Session>("POST", "/session", { body: { email, password } }));
  },
  async changePassword(current: string, fresh: string): Promise<Session> {
    return keep(await call<Session>("POST", "/session/password", { body: { current, new: fresh } }));
  },
  async end(): Promise<void> {
    await call("DELETE", "/session");
  },
};

function keep(found: Session): Session {
  csrf = found.csrf;
  return found;
}

import { Refused, type Http } from "./http";
import type { ChatEvent, Conversation, Frame } from "../shared/wire";

export type LinkState = "idle" | "connecting" | "live" | "polling" | "offline" | "refused";

export interface LinkListener {
  /** Number of the last event the widget has. */
  cursor(): number;
  welcome(conversation: Conversation): void;
  event(event: ChatEvent): void;
  typing(kind: string, name: string | null, active: boolean): void;
  queue(position: number, waiting: number): void;
  state(state: LinkState): void;
}

const helloDeadline = 12_000;
const beat = 25_000;
const longest = 20_000;
const failuresBeforePolling = 3;
const pollingSpell = 60_000;

/**
 * Follows one conversation: over a WebSocket, resumed from the cursor after every break, and by asking again and
 * again where WebSockets do not get through.
 */
export class Link {
  private socket: WebSocket | null = null;
  private welcomed = false;
  private failures = 0;
  private refusals = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pulse: ReturnType<typeof setInterval> | undefined;
  private heard = 0;
  private polling: AbortController | null = null;
  private stopped = false;
  private current: LinkState = "idle";

  constructor(
    private readonly http: Http,
    private readonly conversation: string,
    private readonly listener: LinkListener,
  ) {
    addEventListener("online", this.again);
    document.addEventListener("visibilitychange", this.again);
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    removeEventListener("online", this.again);
    document.removeEventListener("visibilitychange", this.again);
    clearTimeout(this.timer);
    this.polling?.abort();
    this.drop();
  }

  /** Try at once instead of waiting for the next attempt. */
  readonly again = (): void => {
    if (this.stopped || document.visibilityState === "hidden" || this.socket !== null) return;
    if (this.polling !== null && this.current !== "offline") return;
    this.polling?.abort();
    this.polling = null;
    this.refusals = 0;
    clearTimeout(this.timer);
    void this.connect();
  };

  /** Say that the user types; lost without harm. */
  typing(active: boolean): void {
    if (this.socket !== null && this.welcomed) this.say({ type: "typing", active });
    else if (this.current === "polling") this.http.typing(this.conversation, active).catch(() => undefined);
  }

  private say(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private set(state: LinkState): void {
    if (this.current === state) return;
    this.current = state;
    this.listener.state(state);
  }

  private async connect(): Promise<void> {
    if (this.stopped || this.socket !== null) return;
    if (this.current === "idle") this.set("connecting");
    let token: string;
    try {
      token = await this.http.tokens.give(this.refusals > 0);
    } catch {
      this.set("refused");
      this.later(longest);
      return;
    }
    if (this.stopped || this.socket !== null) return;
    const socket = new WebSocket(`${this.http.baseUrl.replace(/^http/, "ws")}/api/v1/ws`);
    this.socket = socket;
    this.welcomed = false;
    const late = setTimeout(() => this.closed(socket, 0), helloDeadline);
    socket.onopen = () =>
      this.say({ type: "hello", token, conversation: this.conversation, after: this.listener.cursor() });
    socket.onmessage = (message) => {
      if (this.socket !== socket || typeof message.data !== "string") return;
      this.heard = Date.now();
      const frame = parse(message.data);
      if (frame?.type === "welcome") clearTimeout(late);
      if (frame !== null) this.take(frame);
    };
    socket.onclose = (event) => {
      clearTimeout(late);
      this.closed(socket, event.code);
    };
  }

  private take(frame: Frame): void {
    switch (frame.type) {
      case "welcome":
        this.welcomed = true;
        this.failures = 0;
        this.refusals = 0;
        this.polling?.abort();
        this.beat();
        this.listener.welcome(frame.conversation);
        this.set("live");
        break;
      case "event":
        this.listener.event(frame.event);
        break;
      case "typing":
        this.listener.typing(frame.author.kind, frame.author.name, frame.active);
        break;
      case "queue":
        this.listener.queue(frame.position, frame.waiting);
        break;
      case "token_expiring":
        this.http.tokens.give(true).then(
          (token) => this.say({ type: "token", token }),
          () => undefined, // The server will hang up with 4401, and the reconnection says what is wrong.
        );
        break;
      case "ack": // the event itself comes, too
      case "pong":
      case "problem": // the server hangs up where it ends the connection; a message's own goes by HTTP
        break;
    }
  }

  /** A connection that died without a word is found by its silence. */
  private beat(): void {
    clearInterval(this.pulse);
    this.pulse = setInterval(() => {
      const socket = this.socket;
      if (socket === null) return;
      if (Date.now() - this.heard > 2 * beat + 5_000) this.closed(socket, 0);
      else this.say({ type: "ping" });
    }, beat);
  }

  private drop(): void {
    clearInterval(this.pulse);
    const socket = this.socket;
    this.socket = null;
    this.welcomed = false;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState < WebSocket.CLOSING) socket.close(1000);
  }

  private closed(socket: WebSocket, code: number): void {
    if (this.socket !== socket || this.stopped) return;
    const wasLive = this.welcomed;
    this.drop();
    if (code === 4403 || code === 4404) {
      this.set("refused");
      return;
    }
    if (code === 4401) {
      this.refusals += 1;
      if (this.refusals > 2) {
        this.set("refused");
        this.later(longest);
      } else this.later(300);
      return;
    }
    if (!wasLive) this.failures += 1;
    if (this.failures >= failuresBeforePolling) {
      this.poll();
      this.later(pollingSpell);
      return;
    }
    this.set(navigator.onLine ? "connecting" : "offline");
    this.later(Math.min(longest, 500 * 2 ** this.failures));
  }

  /** Half of the wait is left to chance, so that a restarted server is not met by everyone at once. */
  private later(wait: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.connect(), wait / 2 + Math.random() * (wait / 2));
  }

  private poll(): void {
    if (this.polling !== null) return;
    const spell = new AbortController();
    this.polling = spell;
    void this.pollUntil(spell.signal).finally(() => {
      if (this.polling === spell) this.polling = null;
    });
  }

  private async pollUntil(signal: AbortSignal): Promise<void> {
    let pause = 1_000;
    while (!signal.aborted && !this.stopped) {
      try {
        const conversation = await this.http.conversation(this.conversation);
        if (signal.aborted) return;
        this.listener.welcome(conversation);
        const wait = conversation.last_seq > this.listener.cursor() ? 0 : 10;
        const found = await this.http.events(this.conversation, this.listener.cursor(), wait, signal);
        if (signal.aborted) return;
        for (const event of found.events) this.listener.event(event);
        this.set("polling");
        pause = 1_000;
      } catch (error) {
        if (signal.aborted) return;
        const passing = !(error instanceof Refused) || error.passing;
        this.set(!passing ? "refused" : "offline");
        if (!passing) return;
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(pause * 2, longest);
      }
    }
  }
}

function parse(text: string): Frame | null {
  try {
    return JSON.parse(text) as Frame;
  } catch {
    return null;
  }
}

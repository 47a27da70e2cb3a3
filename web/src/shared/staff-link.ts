import type { ChatEvent, Conversation, Frame } from "./wire";

export interface Follower {
  /** Number of the last event that is there. */
  cursor(): number;
  welcome(conversation: Conversation): void;
  event(event: ChatEvent): void;
  typing(kind: string, active: boolean): void;
  connected(live: boolean): void;
}

const longest = 15_000;
const beat = 25_000;

/** A conversation as staff follow it: over the WebSocket by the session cookie, resumed from the cursor. */
export class Following {
  private socket: WebSocket | null = null;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pulse: ReturnType<typeof setInterval> | undefined;
  private heard = 0;
  private stopped = false;

  constructor(
    private readonly conversation: string,
    private readonly follower: Follower,
  ) {
    addEventListener("online", this.connect);
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    removeEventListener("online", this.connect);
    clearTimeout(this.timer);
    this.drop();
  }

  /** Show the user that the agent types; false when it could not be said. */
  typing(active: boolean): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ type: "typing", active }));
    return true;
  }

  private readonly connect = (): void => {
    if (this.stopped || this.socket !== null) return;
    clearTimeout(this.timer);
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/ws`);
    this.socket = socket;
    this.heard = Date.now();
    socket.onopen = () =>
      socket.send(
        JSON.stringify({ type: "hello", conversation: this.conversation, after: this.follower.cursor() }),
      );
    socket.onmessage = (message) => this.take(String(message.data));
    socket.onclose = (event) => this.closed(socket, event.code);
    clearInterval(this.pulse);
    this.pulse = setInterval(() => {
      if (Date.now() - this.heard > 2 * beat + 5_000) this.closed(socket, 0);
      else if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }, beat);
  };

  private take(data: string): void {
    this.heard = Date.now();
    const frame = JSON.parse(data) as Frame;
    if (frame.type === "welcome") {
      this.failures = 0;
      this.follower.welcome(frame.conversation);
      this.follower.connected(true);
    } else if (frame.type === "event") {
      this.follower.event(frame.event);
    } else if (frame.type === "typing") {
      this.follower.typing(frame.author.kind, frame.active);
    }
  }

  private drop(): void {
    clearInterval(this.pulse);
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  private closed(socket: WebSocket, code: number): void {
    if (this.socket !== socket || this.stopped) return;
    this.drop();
    this.follower.connected(false);
    if (code === 4401 || code === 4403 || code === 4404) return; // The next call says what is wrong.
    this.failures += 1;
    const wait = Math.min(longest, 400 * 2 ** this.failures);
    this.timer = setTimeout(this.connect, wait / 2 + Math.random() * (wait / 2));
  }
}

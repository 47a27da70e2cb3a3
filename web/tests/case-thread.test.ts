/** An agent's messages: none lost, none doubled, in order; against a server and a line that fail. */
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Thread } from "../src/console/case-thread";
import type { ChatEvent } from "../src/shared/types";

interface Posted {
  key: string;
  text: string;
}
let server: { up: boolean; refuses: boolean; log: Posted[]; attempts: number; before: ChatEvent[] };
let sockets: FakeSocket[];
const stored = new Map<string, string>();

class FakeSocket {
  static readonly OPEN = 1;
  readyState = 1;
  sent: { type: string; after?: number; active?: boolean }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor() {
    sockets.push(this);
  }
  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(): void {}
  open(last: number): void {
    this.onopen?.();
    this.say({ type: "welcome", conversation: { last_seq: last } });
  }
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const event = (seq: number, kind: string, text: string, key: string | null = null): ChatEvent =>
  ({
    id: `evt_${seq}`,
    seq,
    type: "message",
    at: "2026-11-23T10:00:00Z",
    author: { kind, name: "x" },
    turn: null,
    client_key: key,
    data: { text, buttons: [], card: null, choice: null },
  }) as ChatEvent;

/** The server stores a key once and gives the same event again. */
async function fakeFetch(
  _: string,
  options: { method: string; headers: Record<string, string>; body: string },
): Promise<Response> {
  server.attempts += 1;
  if (!server.up) throw new TypeError("no network");
  if (options.method === "GET")
    return new Response(
      JSON.stringify({ conversation: { last_seq: everything().length }, events: everything() }),
    );
  if (server.refuses)
    return new Response(JSON.stringify({ code: "not_your_case", detail: "Mira has this case." }), {
      status: 403,
    });
  const key = options.headers["Idempotency-Key"]!;
  const { text } = JSON.parse(options.body) as { text: string };
  if (!server.log.some((one) => one.key === key)) server.log.push({ key, text });
  const at = server.log.findIndex((one) => one.key === key);
  return new Response(JSON.stringify(event(server.before.length + at + 1, "agent", text, key)), {
    status: 201,
  });
}
const everything = (): ChatEvent[] => [
  ...server.before,
  ...server.log.map((one, at) => event(server.before.length + at + 1, "agent", one.text, one.key)),
];

const settle = async (): Promise<void> => {
  for (let round = 0; round < 20; round += 1)
    await Promise.resolve().then(() => new Promise((done) => setImmediate(done)));
};

Object.assign(globalThis, {
  WebSocket: FakeSocket,
  fetch: fakeFetch,
  location: { origin: "http://here" },
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
});
Object.defineProperty(globalThis, "sessionStorage", {
  configurable: true,
  value: {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  },
});
mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });

beforeEach(() => {
  server = { up: true, refuses: false, log: [], attempts: 0, before: [] };
  sockets = [];
  stored.clear();
});
const begin = (events: ChatEvent[] = []): Thread => new Thread("cas_1", "cnv_1", events, () => undefined);
const texts = (thread: Thread): string[] =>
  thread.events.map((one) => (one.type === "message" ? one.data.text : one.type));

test("what is written while nothing gets through is sent afterwards, once and in order", async () => {
  server.up = false;
  const thread = begin();
  thread.send("one");
  thread.send("two");
  await settle();
  assert.deepEqual(
    thread.pending.map((item) => [item.text, item.failed]),
    [
      ["one", null],
      ["two", null],
    ],
  );
  server.up = true;
  mock.timers.tick(3_000);
  await settle();
  assert.deepEqual(
    server.log.map((one) => one.text),
    ["one", "two"],
  );
  assert.deepEqual(texts(thread), ["one", "two"]);
  assert.equal(thread.pending.length, 0);
  assert.equal(stored.size, 0);
  thread.stop();
});

test("a reload sends what had no answer with the same key", async () => {
  server.up = false;
  const before = begin();
  before.send("said before the reload");
  await settle();
  const key = before.pending[0]!.key;
  before.stop();
  server.up = true;
  server.log.push({ key, text: "said before the reload" }); // It had arrived; only the answer was lost.
  const after = begin();
  await settle();
  assert.equal(server.log.length, 1);
  assert.deepEqual(texts(after), ["said before the reload"]);
  assert.equal(after.pending.length, 0);
  after.stop();
});

test("an event of its own that the line brings first is not shown twice", async () => {
  const thread = begin();
  sockets[0]!.open(0);
  thread.send("hello");
  await settle();
  sockets[0]!.say({ type: "event", event: event(1, "agent", "hello", server.log[0]!.key) });
  assert.deepEqual(texts(thread), ["hello"]);
  assert.equal(thread.pending.length, 0);
  thread.stop();
});

test("a message that overtakes others waits for the line to bring them", async () => {
  server.log.push({ key: "other", text: "of the user, not seen yet" });
  const thread = begin();
  thread.send("mine");
  await settle();
  assert.deepEqual([texts(thread), thread.pending.length], [[], 1]);
  sockets[0]!.open(2);
  sockets[0]!.say({ type: "event", event: event(1, "user", "of the user, not seen yet") });
  sockets[0]!.say({ type: "event", event: event(2, "agent", "mine", server.log[1]!.key) });
  assert.deepEqual(texts(thread), ["of the user, not seen yet", "mine"]);
  assert.deepEqual([thread.pending.length, server.attempts], [0, 1]);
  thread.stop();
});

test("a refusal is said, and the text can be taken back", async () => {
  server.refuses = true;
  const thread = begin();
  thread.send("too late");
  await settle();
  assert.equal(thread.pending[0]!.failed, "Mira has this case.");
  thread.write("a draft", false);
  thread.takeBack(thread.pending[0]!.key);
  assert.equal(thread.draft, "a draft\ntoo late");
  assert.equal(thread.pending.length, 0);
  thread.stop();
});

test("after a break the line goes on from the last event", async () => {
  const thread = begin([event(1, "user", "first")]);
  sockets[0]!.open(1);
  assert.equal(sockets[0]!.sent[0]!.after, 1);
  sockets[0]!.say({ type: "event", event: event(2, "user", "second") });
  sockets[0]!.onclose?.({ code: 1006 });
  assert.equal(thread.live, false);
  mock.timers.tick(2_000);
  sockets[1]!.open(2);
  assert.equal(sockets[1]!.sent[0]!.after, 2);
  assert.equal(thread.live, true);
  thread.stop();
});

test("typing is said at most every three seconds, and its end once", () => {
  const thread = begin();
  sockets[0]!.open(0);
  for (const draft of ["w", "wo", "word"]) thread.write(draft, true);
  mock.timers.tick(4_100);
  const said = sockets[0]!.sent.filter((frame) => frame.type === "typing");
  assert.deepEqual(
    said.map((frame) => frame.active),
    [true, false],
  );
  assert.ok(!JSON.stringify(sockets[0]!.sent).includes("wo"));
  thread.stop();
});

test("what the user writes while nobody looks is unread", () => {
  const thread = begin();
  sockets[0]!.open(1);
  sockets[0]!.say({ type: "event", event: event(1, "user", "history") });
  sockets[0]!.say({ type: "event", event: event(2, "user", "news") });
  assert.equal(thread.unread, 1);
  thread.stop();
});

test("where no live line gets through, news is asked for and messages go out one after the other", async () => {
  server.before = [event(1, "user", "I wait"), event(2, "user", "Hello?")];
  const thread = begin();
  thread.send("one");
  thread.send("two");
  await settle();
  assert.equal(thread.live, false);
  mock.timers.tick(5_000);
  await settle();
  mock.timers.tick(5_000);
  await settle();
  assert.equal(thread.asking, true);
  assert.deepEqual(texts(thread), ["I wait", "Hello?", "one", "two"]);
  assert.equal(thread.pending.length, 0);
  thread.stop();
});

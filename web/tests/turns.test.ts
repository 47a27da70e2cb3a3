import assert from "node:assert/strict";
import { test } from "node:test";
import { steps } from "../src/review/turns";
import type { ChatEvent, Review } from "../src/shared/types";

const event = (seq: number, kind: string, turn: string | null, type = "message"): ChatEvent =>
  ({
    id: `evt_${seq}`,
    seq,
    type,
    at: "2026-11-23T10:00:00Z",
    author: { kind, name: null },
    turn,
    client_key: null,
    data: { text: String(seq), buttons: [], card: null, choice: null },
  }) as unknown as ChatEvent;
const turn = (id: string, seq: number) => ({
  id,
  seq,
  text: "",
  choice: null,
  intent: null,
  confidence: null,
  ranking: [],
  model: null,
  status: "done",
  error: null,
  duration_ms: 1,
});

test("answers and attempts are with their turn; what people say stands between", () => {
  const review = {
    turns: [turn("trn_1", 1), turn("trn_2", 4)],
    attempts: [
      { id: "a", turn_id: "trn_2" },
      { id: "b", turn_id: null },
    ],
    events: [
      event(1, "user", "trn_1"),
      event(2, "bot", "trn_1"),
      event(3, "bot", "trn_1"),
      event(4, "user", "trn_2"),
      event(5, "bot", "trn_2"),
      event(6, "agent", null),
      event(7, "user", null),
      event(8, "user", "trn_unknown"),
    ],
  } as unknown as Review;
  const made = steps(review);
  assert.deepEqual(
    made.map((step) => [step.kind, step.seq]),
    [
      ["turn", 1],
      ["turn", 4],
      ["event", 6],
      ["event", 7],
      ["event", 8],
    ],
  );
  assert.deepEqual(
    made.map((step) => (step.kind === "turn" ? step.said.map((one) => one.seq) : null)),
    [[2, 3], [5], null, null, null],
  );
  assert.deepEqual(made[1]!.kind === "turn" && made[1]!.attempts.map((one) => one.id), ["a"]);
});

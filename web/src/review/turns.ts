import type { Attempt, ChatEvent, Review, Turn } from "../shared/types";

/** One step of a conversation as it is read: a turn of the assistant, or something that people said or did. */
export type Step =
  | { kind: "turn"; seq: number; turn: Turn; said: ChatEvent[]; attempts: Attempt[] }
  | { kind: "event"; seq: number; event: ChatEvent };

/** Put events and attempts to the turns they belong to; what belongs to none stands for itself, in order. */
export function steps(review: Review): Step[] {
  const turns = new Map(review.turns.map((turn) => [turn.id, turn]));
  const attempts = new Map<string, Attempt[]>();
  for (const attempt of review.attempts) {
    const id = attempt.turn_id ?? "";
    attempts.set(id, [...(attempts.get(id) ?? []), attempt]);
  }
  const made: Step[] = [];
  const byTurn = new Map<string, Extract<Step, { kind: "turn" }>>();
  for (const event of review.events) {
    const turn = event.turn === null ? undefined : turns.get(event.turn);
    const known = turn && byTurn.get(turn.id);
    if (turn && !known) {
      const step = {
        kind: "turn" as const,
        seq: turn.seq,
        turn,
        said: event.author.kind === "user" ? [] : [event],
        attempts: attempts.get(turn.id) ?? [],
      };
      byTurn.set(turn.id, step);
      made.push(step);
    } else if (known && event.author.kind !== "user") known.said.push(event);
    else if (!known) made.push({ kind: "event", seq: event.seq, event });
  }
  return made;
}

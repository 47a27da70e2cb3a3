/** Two texts side by side: @codemirror/merge finds the lines that differ, and the words within a changed line. */
import { Chunk, presentableDiff } from "@codemirror/merge";
import { Text } from "@codemirror/state";

export interface Mark {
  text: string;
  changed: boolean;
}

export interface Row {
  same: boolean;
  mine: string | null;
  theirs: string | null;
}

/** Milliseconds after which long and very different texts are compared less closely. */
const limits = { timeout: 500 };

/** Rows of two columns: what was replaced stands beside what it was replaced with. */
export function sideBySide(mine: string, theirs: string): Row[] {
  const [a, b] = [mine.split("\n"), theirs.split("\n")];
  const [textA, textB] = [Text.of(a), Text.of(b)];
  const rows: Row[] = [];
  const sameUntil = (end: number): void => {
    for (; at < end; at += 1) rows.push({ same: true, mine: a[at], theirs: a[at] });
  };
  let at = 0;
  for (const chunk of Chunk.build(textA, textB, limits)) {
    sameUntil(lineAt(textA, chunk.fromA));
    const left = a.slice(at, lineAt(textA, chunk.toA));
    const right = b.slice(lineAt(textB, chunk.fromB), lineAt(textB, chunk.toB));
    for (let row = 0; row < Math.max(left.length, right.length); row += 1) {
      rows.push({ same: false, mine: left[row] ?? null, theirs: right[row] ?? null });
    }
    at += left.length;
  }
  sameUntil(a.length);
  return rows;
}

/** Index of the line at a position, which may be behind the last. */
function lineAt(text: Text, position: number): number {
  return position > text.length ? text.lines : text.lineAt(position).number - 1;
}

/** The words of two lines: each side whole, with what the other does not have marked. */
export function words(mine: string, theirs: string): { mine: Mark[]; theirs: Mark[] } {
  const changes = presentableDiff(mine, theirs, limits);
  return {
    mine: marks(
      mine,
      changes.map((one) => [one.fromA, one.toA]),
    ),
    theirs: marks(
      theirs,
      changes.map((one) => [one.fromB, one.toB]),
    ),
  };
}

function marks(text: string, changed: [number, number][]): Mark[] {
  const found: Mark[] = [];
  let at = 0;
  for (const [from, to] of [...changed, [text.length, text.length] as const]) {
    if (from > at) found.push({ text: text.slice(at, from), changed: false });
    if (to > from) found.push({ text: text.slice(from, to), changed: true });
    at = to;
  }
  return found;
}

/** Rows with unchanged stretches left out but for some lines around each change; a number is how many are left out. */
export function folded(rows: Row[], around = 3): (Row | number)[] {
  const near = rows.map((_, at) =>
    rows.slice(Math.max(0, at - around), at + around + 1).some((row) => !row.same),
  );
  const shown: (Row | number)[] = [];
  rows.forEach((row, at) => {
    if (near[at]) shown.push(row);
    else if (typeof shown.at(-1) === "number") shown[shown.length - 1] = (shown.at(-1) as number) + 1;
    else shown.push(1);
  });
  return shown;
}

/** Two texts side by side, by longest common subsequence: of lines, and of words within a changed line. */
export interface Mark {
  text: string;
  changed: boolean;
}

export interface Row {
  same: boolean;
  mine: string | null;
  theirs: string | null;
}

type Side = "both" | "mine" | "theirs";

function common<T>(a: readonly T[], b: readonly T[]): { item: T; in: Side }[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const found: { item: T; in: Side }[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push({ item: a[i], in: "both" });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || longest[(i + 1) * width + j] >= longest[i * width + j + 1]))
      found.push({ item: a[i++], in: "mine" });
    else found.push({ item: b[j++], in: "theirs" });
  }
  return found;
}

/** Lines of two texts, and which of them has each. Very long texts are set one below the other. */
export function compare(mine: string, theirs: string): { text: string; in: Side }[] {
  const [a, b] = [mine.split("\n"), theirs.split("\n")];
  if (a.length * b.length > 4_000_000)
    return [
      ...a.map((text) => ({ text, in: "mine" as const })),
      ...b.map((text) => ({ text, in: "theirs" as const })),
    ];
  return common(a, b).map((line) => ({ text: line.item, in: line.in }));
}

/** The same as rows of two columns: what was replaced stands beside what it was replaced with. */
export function sideBySide(mine: string, theirs: string): Row[] {
  const rows: Row[] = [];
  let waiting: { mine: string[]; theirs: string[] } = { mine: [], theirs: [] };
  const flush = (): void => {
    for (let at = 0; at < Math.max(waiting.mine.length, waiting.theirs.length); at += 1) {
      rows.push({ same: false, mine: waiting.mine[at] ?? null, theirs: waiting.theirs[at] ?? null });
    }
    waiting = { mine: [], theirs: [] };
  };
  for (const line of compare(mine, theirs)) {
    if (line.in !== "both") waiting[line.in].push(line.text);
    else {
      flush();
      rows.push({ same: true, mine: line.text, theirs: line.text });
    }
  }
  flush();
  return rows;
}

/** The words of two lines: each side whole, with what the other does not have marked. */
export function words(mine: string, theirs: string): { mine: Mark[]; theirs: Mark[] } {
  const [a, b] = [mine.match(/\s+|[\p{L}\p{N}]+|./gu) ?? [], theirs.match(/\s+|[\p{L}\p{N}]+|./gu) ?? []];
  if (a.length * b.length > 250_000)
    return { mine: [{ text: mine, changed: true }], theirs: [{ text: theirs, changed: true }] };
  const parts = common(a, b);
  const side = (name: "mine" | "theirs"): Mark[] => {
    const marks: Mark[] = [];
    for (const part of parts) {
      if (part.in !== "both" && part.in !== name) continue;
      const changed = part.in === name;
      const last = marks.at(-1);
      if (last?.changed === changed) last.text += part.item;
      else marks.push({ text: part.item, changed });
    }
    return marks;
  };
  return { mine: side("mine"), theirs: side("theirs") };
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

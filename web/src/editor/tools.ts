/** The buttons above the text, and what each does to it. */
import { redo, undo } from "@codemirror/commands";
import {
  EditorSelection,
  type ChangeSpec,
  type EditorState,
  type StateCommand,
  type TransactionSpec,
} from "@codemirror/state";
import { html, svg, type TemplateResult } from "lit";

/** Put `mark` around what is selected, or take it away where it is there already. */
export function around(mark: string, empty: string): StateCommand {
  return ({ state, dispatch }) => {
    const made = state.changeByRange((range) => {
      const [before, after] = [
        state.sliceDoc(range.from - mark.length, range.from),
        state.sliceDoc(range.to, range.to + mark.length),
      ];
      const doubled =
        mark.length === 1 &&
        (state.sliceDoc(range.from - 2, range.from) === mark + mark ||
          state.sliceDoc(range.to, range.to + 2) === mark + mark);
      if (before === mark && after === mark && !doubled) {
        const changes = [
          { from: range.from - mark.length, to: range.from },
          { from: range.to, to: range.to + mark.length },
        ];
        return { changes, range: EditorSelection.range(range.from - mark.length, range.to - mark.length) };
      }
      const words = range.empty ? empty : state.sliceDoc(range.from, range.to);
      const from = range.from + mark.length;
      return {
        changes: { from: range.from, to: range.to, insert: mark + words + mark },
        range: EditorSelection.range(from, from + words.length),
      };
    });
    dispatch(state.update(made, { userEvent: "input", scrollIntoView: true }));
    return true;
  };
}

/** Begin each selected line with a mark, or take the mark away when all of them have it. */
export function lines(has: RegExp, mark: (at: number) => string): StateCommand {
  return ({ state, dispatch }) => {
    const chosen = chosenLines(state);
    const all = chosen.every((line) => has.test(line.text));
    const changes: ChangeSpec[] = chosen.map((line, at) => {
      const old = has.exec(line.text)?.[0] ?? "";
      return { from: line.from, to: line.from + old.length, insert: all ? "" : mark(at) };
    });
    dispatch(state.update({ changes, userEvent: "input", scrollIntoView: true }));
    return true;
  };
}

function chosenLines(state: EditorState): { from: number; text: string }[] {
  const { from, to } = state.selection.main;
  const [first, last] = [state.doc.lineAt(from).number, state.doc.lineAt(to).number];
  return Array.from({ length: last - first + 1 }, (_, at) => state.doc.line(first + at));
}

const link: StateCommand = ({ state, dispatch }) => {
  const { from, to } = state.selection.main;
  const words = state.sliceDoc(from, to) || "words";
  const address = "https://";
  const start = from + words.length + 3;
  dispatch(
    state.update({
      changes: { from, to, insert: `[${words}](${address})` },
      selection: { anchor: start, head: start + address.length },
      userEvent: "input",
      scrollIntoView: true,
    }),
  );
  return true;
};

const code: StateCommand = (target) => {
  const { from, to } = target.state.selection.main;
  const words = target.state.sliceDoc(from, to);
  if (!words.includes("\n")) return around("`", "code")(target);
  const spec: TransactionSpec = {
    changes: { from, to, insert: `\`\`\`\n${words}\n\`\`\`` },
    userEvent: "input",
    scrollIntoView: true,
  };
  target.dispatch(target.state.update(spec));
  return true;
};

const table: StateCommand = ({ state, dispatch }) => {
  const line = state.doc.lineAt(state.selection.main.to);
  const insert = `${line.text.trim() === "" ? "" : "\n\n"}| Column | Column |\n| --- | --- |\n| One | Two |\n`;
  dispatch(
    state.update({
      changes: { from: line.to, insert },
      selection: { anchor: line.to + insert.length },
      userEvent: "input",
      scrollIntoView: true,
    }),
  );
  return true;
};

export const acts: Record<string, StateCommand> = {
  bold: around("**", "bold"),
  italic: around("*", "italic"),
  heading: lines(/^#{1,6}\s+/, () => "## "),
  bullets: lines(/^\s*[-*]\s+/, () => "- "),
  numbers: lines(/^\s*\d+\.\s+/, (at) => `${at + 1}. `),
  quote: lines(/^>\s?/, () => "> "),
  code,
  link,
  table,
  undo,
  redo,
};

function icon(body: TemplateResult): TemplateResult {
  return html`<svg
    class="icon"
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.8"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    ${body}
  </svg>`;
}

export const buttons: { name: string; words: string; keys?: string; icon: TemplateResult }[] = [
  {
    name: "bold",
    words: "Bold",
    keys: "Ctrl+B",
    icon: icon(svg`<path d="M8 5h5.500a3.500 3.500 0 0 1 0 7H8zM8 12h6.500a3.500 3.500 0 0 1 0 7H8z"/>`),
  },
  { name: "italic", words: "Italic", keys: "Ctrl+I", icon: icon(svg`<path d="M11 5h6M7 19h6M14 5l-4 14"/>`) },
  { name: "heading", words: "Heading", icon: icon(svg`<path d="M6 5v14M18 5v14M6 12h12"/>`) },
  {
    name: "bullets",
    words: "Bulleted list",
    icon: icon(svg`<path d="M10 6h10M10 12h10M10 18h10M5 6v.01M5 12v.01M5 18v.01"/>`),
  },
  {
    name: "numbers",
    words: "Numbered list",
    icon: icon(svg`<path d="M11 6h9M11 12h9M11 18h9M4 5l1.500-1v5M4 14.500c0-2 3-2 3 0 0 1.500-3 2-3 4h3"/>`),
  },
  { name: "quote", words: "Quote", icon: icon(svg`<path d="M5 5v14M10 8h9M10 12h9M10 16h6"/>`) },
  { name: "code", words: "Code", keys: "Ctrl+E", icon: icon(svg`<path d="M8 7l-5 5 5 5M16 7l5 5-5 5"/>`) },
  {
    name: "link",
    words: "Link",
    keys: "Ctrl+K",
    icon: icon(
      svg`<path d="M10 14a4 4 0 0 0 6 0l3-3a4.200 4.200 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4.200 4.200 0 0 0 6 6l1-1"/>`,
    ),
  },
  {
    name: "picture",
    words: "Picture from a file",
    icon: icon(
      svg`<rect x="3.500" y="5" width="17" height="14" rx="2"/><circle cx="9" cy="10" r="1.500"/><path d="M4 17l5-4 4 3 3-3 4 4"/>`,
    ),
  },
  {
    name: "table",
    words: "Table",
    icon: icon(
      svg`<rect x="3.500" y="5" width="17" height="14" rx="1.500"/><path d="M3.500 10h17M3.500 14.500h17M10 5v14"/>`,
    ),
  },
  {
    name: "undo",
    words: "Undo",
    keys: "Ctrl+Z",
    icon: icon(svg`<path d="M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3"/>`),
  },
  {
    name: "redo",
    words: "Redo",
    keys: "Ctrl+Y",
    icon: icon(svg`<path d="M16 5l4 4-4 4M20 9H10a5 5 0 0 0 0 10h3"/>`),
  },
];

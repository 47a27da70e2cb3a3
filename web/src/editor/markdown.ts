import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { markdown } from "@codemirror/lang-markdown";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { html, LitElement, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { ImageOut } from "../shared/api.generated";
import { call, wordsOf } from "../shared/api";
import * as tools from "./tools";

const kinds = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const shades = HighlightStyle.define([
  { tag: tags.heading, class: "ink-heading" },
  { tag: tags.strong, class: "ink-strong" },
  { tag: tags.emphasis, class: "ink-em" },
  { tag: [tags.link, tags.url], class: "ink-link" },
  {
    tag: [tags.monospace, tags.quote, tags.processingInstruction, tags.contentSeparator],
    class: "ink-quiet",
  },
]);
const named = {
  "aria-label": "Text",
  "aria-describedby": "body-kind",
  "data-testid": "editor-body",
  tabindex: "0",
  spellcheck: "true",
  autocorrect: "on",
  autocapitalize: "sentences",
};

/**
 * A field for Markdown on CodeMirror 6, with a toolbar that is worked by keyboard. Tab leaves the field (Ctrl+] and
 * Ctrl+[ indent), the browser checks the spelling, and pictures come by button, paste or drop. Fires `edit` with the text.
 */
@customElement("fl-markdown")
export class MarkdownField extends LitElement {
  @property({ attribute: false }) value = "";
  /** What the text belongs to: taking back does not reach into another article. */
  @property({ attribute: false }) of = "";
  @state() private note = "";
  @state() private over = false;
  private view: EditorView | null = null;
  private seen = "";
  private uploads = 0;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override firstUpdated(): void {
    this.view = new EditorView({ parent: this.querySelector(".ink")!, state: this.fresh() });
    this.seen = this.of;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.view?.destroy();
  }

  private fresh(): EditorState {
    const { bold, italic, code, link } = tools.acts;
    const extensions: Extension[] = [
      history(),
      markdown({ addKeymap: true }),
      syntaxHighlighting(shades),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of(named),
      keymap.of([
        { key: "Mod-b", run: bold },
        { key: "Mod-i", run: italic },
        { key: "Mod-e", run: code },
        { key: "Mod-k", run: link },
        ...historyKeymap,
        ...defaultKeymap,
      ]),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged || update.transactions.some((one) => one.isUserEvent("server"))) return;
        this.dispatchEvent(new CustomEvent("edit", { detail: update.state.doc.toString() }));
      }),
      EditorView.domEventHandlers({
        paste: (event) => this.take(event, event.clipboardData),
        drop: (event) => this.take(event, event.dataTransfer),
        dragover: () => void (this.over = true),
        dragleave: () => void (this.over = false),
      }),
    ];
    return EditorState.create({ doc: this.value, extensions });
  }

  protected override updated(changed: PropertyValues): void {
    const view = this.view;
    if (view === null || !(changed.has("value") || changed.has("of"))) return;
    if (this.seen !== this.of) view.setState(this.fresh());
    else if (view.state.doc.toString() !== this.value)
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: this.value },
        userEvent: "server",
      });
    this.seen = this.of;
  }

  /** Go to a line (from 1) of the text. */
  show(line: number): void {
    const view = this.view;
    if (view === null || line < 1 || line > view.state.doc.lines) return;
    view.focus();
    view.dispatch({ selection: { anchor: view.state.doc.line(line).from }, scrollIntoView: true });
  }

  private take(event: Event, from: DataTransfer | null): boolean {
    this.over = false;
    const files = [...(from?.files ?? [])];
    if (files.length === 0) return false;
    event.preventDefault();
    void this.upload(files);
    return true;
  }

  /** A placeholder holds each picture's place until the server has checked and kept it. */
  private async upload(files: readonly File[]): Promise<void> {
    for (const file of files) {
      if (!kinds.includes(file.type)) {
        this.note = `${file.name} is no picture of a known kind: PNG, JPEG, WebP or GIF.`;
        continue;
      }
      const of = this.of;
      const alt =
        file.name
          .replace(/\.\w+$/, "")
          .replace(/[^\p{L}\p{N}]+/gu, " ")
          .trim() || "picture";
      const held = `![${alt}](uploading-${(this.uploads += 1)})`;
      this.place(held);
      this.note = `Uploading ${file.name}…`;
      let made = "";
      try {
        const kept = await call<ImageOut>("POST", "/articles/images", {
          body: file,
          within: 120_000,
        });
        made = `![${alt}](${kept.url})`;
        this.note = `${file.name} is in the text. Say in the brackets what it shows.`;
      } catch (error) {
        this.note = `${file.name}: ${wordsOf(error)}`;
      }
      if (this.of === of) this.swap(held, made);
    }
  }

  /** A picture stands in a paragraph of its own. */
  private place(held: string): void {
    const view = this.view;
    if (view === null) return;
    const { from } = view.state.selection.main;
    const line = view.state.doc.lineAt(from);
    view.dispatch(
      view.state.replaceSelection(
        `${line.text.slice(0, from - line.from).trim() === "" ? "" : "\n\n"}${held}\n`,
      ),
    );
  }

  private swap(held: string, made: string): void {
    const from = this.view?.state.doc.toString().indexOf(held) ?? -1;
    if (from >= 0) this.view?.dispatch({ changes: { from, to: from + held.length, insert: made } });
  }

  private readonly pick = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    void this.upload([...(input.files ?? [])]).finally(() => (input.value = ""));
  };

  private readonly press = (name: string): void => {
    if (name === "picture") this.querySelector<HTMLInputElement>("input[type=file]")?.click();
    else if (this.view) {
      tools.acts[name]?.(this.view);
      this.view.focus();
    }
  };

  /** One stop for Tab; arrows go from button to button. */
  private readonly walk = (event: KeyboardEvent): void => {
    const buttons = [...this.querySelectorAll<HTMLButtonElement>(".tools button")];
    const here = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || here < 0) return;
    event.preventDefault();
    const next = buttons[(to + buttons.length) % buttons.length];
    for (const one of buttons) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  };

  override render(): TemplateResult {
    return html`<div
        class="tools"
        role="toolbar"
        aria-label="Formatting"
        aria-controls="body"
        @keydown=${this.walk}
      >
        ${tools.buttons.map(
          (one, at) =>
            html`<button
              type="button"
              class="round"
              tabindex=${at === 0 ? 0 : -1}
              aria-label=${one.words}
              title=${one.keys ? `${one.words} (${one.keys})` : one.words}
              @click=${() => this.press(one.name)}
            >
              ${one.icon}
            </button>`,
        )}
      </div>
      <input
        type="file"
        hidden
        multiple
        accept=${kinds.join(",")}
        data-testid="editor-image"
        @change=${this.pick}
      />
      <div class="ink" id="body" data-over=${this.over}></div>
      <p class="fine ink-note" role="status">${this.note}</p>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "fl-markdown": MarkdownField;
  }
}

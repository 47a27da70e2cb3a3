import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { call, wordsOf } from "../shared/api";
import type { ImportOut, TakenOut } from "../shared/api.generated";
import * as icons from "../shared/icons";

const kinds = ".zip,.md,.markdown,.html,.htm,.jsonl";
const tones: Record<string, string> = {
  created: "good",
  updated: "accent",
  unchanged: "",
  kept: "person",
  failed: "bad",
  refused: "bad",
};

/** Articles come in as files and leave as a folder of Markdown. */
@customElement("fl-transfer")
export class Transfer extends LitElement {
  @state() private taken: TakenOut[] = [];
  @state() private busy = "";
  @state() private over = false;

  protected override createRenderRoot(): this {
    return this;
  }

  private readonly drop = (event: DragEvent): void => {
    event.preventDefault();
    this.over = false;
    void this.take([...(event.dataTransfer?.files ?? [])]);
  };

  private readonly pick = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    void this.take([...(input.files ?? [])]).finally(() => (input.value = ""));
  };

  private async take(files: File[]): Promise<void> {
    if (files.length === 0 || this.busy) return;
    this.taken = [];
    for (const file of files) {
      this.busy = `Reading ${file.name}…`;
      try {
        const form = new FormData();
        form.append("file", file, file.name);
        const { files: read } = await call<ImportOut>("POST", "/articles/import", {
          body: form,
          within: 600_000,
        });
        this.taken = [...this.taken, ...read];
      } catch (error) {
        this.taken = [
          ...this.taken,
          { path: file.name, id: null, outcome: "failed", problem: wordsOf(error) },
        ];
      }
    }
    this.busy = "";
    const bad = this.taken.filter((one) => one.problem).length;
    this.dispatchEvent(
      new CustomEvent("said", {
        detail: `${this.taken.length - bad} of ${this.taken.length} files are read.`,
      }),
    );
    this.dispatchEvent(new CustomEvent("changed"));
  }

  override render(): TemplateResult {
    return html`<section class="transfer" aria-labelledby="import-name">
        <h2 id="import-name">Import</h2>
        <p class="lead">
          Markdown with front matter, HTML, JSONL, or a ZIP of these. What you have changed here since the
          last import is kept.
        </p>
        <div
          class="drop"
          data-over=${this.over}
          data-testid="import-drop"
          @dragover=${(event: DragEvent) => {
            event.preventDefault();
            this.over = true;
          }}
          @dragleave=${() => (this.over = false)}
          @drop=${this.drop}
        >
          ${icons.page}
          <p>Drop files here, or</p>
          <button
            class="primary"
            ?disabled=${this.busy !== ""}
            @click=${() => this.querySelector<HTMLInputElement>("input[type=file]")?.click()}
          >
            Choose files
          </button>
          <input type="file" hidden multiple accept=${kinds} data-testid="import-file" @change=${this.pick} />
        </div>
        <p class="fine" role="status">${this.busy}</p>
        ${this.taken.length ? this.report() : nothing}
      </section>
      <section class="transfer" aria-labelledby="export-name">
        <h2 id="export-name">Export</h2>
        <p class="lead">
          Every article as Markdown with front matter, in one ZIP. Importing it again changes nothing.
        </p>
        <a class="second" href="/api/v1/articles/export" download data-testid="export">Download</a>
      </section>`;
  }

  private report(): TemplateResult {
    return html`<div class="scroll" tabindex="0" role="region" aria-label="What became of the files">
      <table class="list" data-testid="import-report">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">What became of it</th>
          </tr>
        </thead>
        <tbody>
          ${this.taken.map(
            (one) =>
              html`<tr data-testid="import-row">
                <th scope="row">${one.id ? html`<a href="#${one.id}">${one.path}</a>` : one.path}</th>
                <td>
                  <span class="tag ${tones[one.outcome] ?? ""}">${one.outcome}</span>
                  ${one.problem ? html`<span class="fine">${one.problem}</span>` : nothing}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }
}

/** The head of the desk: what state the article is in, and what can be done about it. */
import { html, nothing, type TemplateResult } from "lit";
import { moment } from "../shared/format";
import * as icons from "../shared/icons";
import type { Article } from "../shared/types";
import type { Draft } from "./draft";
import type { GateOut } from "../shared/api.generated";
import { numbers } from "./publish";

type Status = Article["status"];
export const tones: Record<Status, { tone: string; words: string }> = {
  draft: { tone: "", words: "Draft" },
  review: { tone: "accent", words: "In review" },
  published: { tone: "good", words: "Published" },
  changed: { tone: "person", words: "Changed" },
  archived: { tone: "", words: "Archived" },
};
const steps: { status: Status; words: string }[] = [
  { status: "draft", words: "Draft" },
  { status: "review", words: "Review" },
  { status: "published", words: "Published" },
  { status: "archived", words: "Archived" },
];

interface View {
  article: Article | null;
  busy: boolean;
  dirty: boolean;
  versions: boolean;
}

interface Acts {
  save: () => void;
  publish: () => void;
  check: () => void;
  discard: () => void;
  toggle: () => void;
  act: (name: "review" | "unpublish" | "archive" | "unschedule", words: string) => void;
}

export function head(view: View, acts: Acts): TemplateResult {
  const { article, busy, dirty } = view;
  const { tone, words } = article ? tones[article.status] : { tone: "", words: "New" };
  return html`<header class="desk-head">
      <a class="round back" href="#" aria-label="Back to all articles">${icons.back}</a>
      <p class="fine" data-testid="editor-state">
        <span class="tag ${tone}">${words}</span>
        ${
          article
            ? html`Version ${article.version}, ${moment(article.updated_at)} by
              ${article.updated_by}${article.published_version !== null && article.published_version !== article.version ? `; readers see version ${article.published_version}` : ""}`
            : "Not saved yet"
        }
        ${dirty ? html`<strong class="dirty">Unsaved changes</strong>` : nothing}
      </p>
      <div class="desk-acts">
        ${dirty ? html`<button class="second" data-testid="editor-discard" @click=${acts.discard}>Throw away</button>` : nothing}
        <button
          class="second"
          data-testid="editor-publish"
          ?disabled=${busy || article === null || dirty || article.status === "published"}
          @click=${acts.publish}
        >
          Publish
        </button>
        <button class="primary" data-testid="editor-save" ?disabled=${busy || !dirty} @click=${acts.save}>
          Save
        </button>
      </div>
    </header>
    ${article ? life(article, view, acts) : nothing}`;
}

function life(article: Article, { busy, dirty, versions }: View, acts: Acts): TemplateResult {
  const here = article.status === "changed" ? "published" : article.status;
  const button = (hook: string, words: string, act: () => void, off = busy): TemplateResult =>
    html`<button class="small" data-testid=${hook} ?disabled=${off} @click=${act}>${words}</button>`;
  return html`<div class="life">
    <ol aria-label="Life of the article">
      ${steps.map((step) => html`<li aria-current=${step.status === here ? "step" : nothing}>${step.words}</li>`)}
    </ol>
    <div class="life-acts">
      ${
        article.publish_at
          ? html`<span class="tag person">${icons.clock} to be published ${moment(article.publish_at)}</span
              >${button("editor-unschedule", "Cancel the schedule", () => acts.act("unschedule", "The schedule is cancelled."))}`
          : article.status === "published"
            ? nothing
            : button("editor-schedule", "Check and schedule", acts.check, busy || dirty)
      }
      ${article.status === "draft" || article.status === "changed" ? button("editor-review", "Send to review", () => acts.act("review", "The article is in review."), busy || dirty) : nothing}
      ${article.published_version !== null ? button("editor-unpublish", "Unpublish", () => acts.act("unpublish", "The article is no longer published.")) : nothing}
      ${
        article.status === "archived"
          ? html`<span class="fine">Save or publish it to take it up again.</span>`
          : button("editor-archive", "Archive", () =>
              acts.act("archive", "The article is archived; readers no longer see it."),
            )
      }
      <button class="small" aria-expanded=${versions} data-testid="editor-versions" @click=${acts.toggle}>
        Versions
      </button>
    </div>
  </div>`;
}

interface Notes {
  article: Article | null;
  recovered: string;
  base: number;
  gate: GateOut | null;
  aside: Draft | null;
  bringBack: () => void;
  close: () => void;
}

export function notes({ article, recovered, base, gate, aside, bringBack, close }: Notes): TemplateResult {
  return html`${
    recovered
      ? html`<p class="found" role="status">
          This is what you wrote at ${moment(recovered)} and have not saved.
          ${article && base < article.version ? "Somebody has saved a newer version since." : ""}
        </p>`
      : nothing
  }
  ${aside ? html`<p class="found aside" role="status">A text of yours from ${moment(aside.at)} is set aside. <button class="small" data-testid="editor-bring-back" @click=${bringBack}>Put it into the form</button></p>` : nothing}
  ${
    gate
      ? html`<section class="published" role="status" data-testid="publish-result">
          <div>
            <h2>Readers find it from now on</h2>
            ${numbers(gate)}
          </div>
          <button class="small" @click=${close}>Close</button>
        </section>`
      : nothing
  }`;
}

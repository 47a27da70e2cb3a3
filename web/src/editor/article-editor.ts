import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Problem, wordsOf } from "../shared/api";
import type { Article } from "../shared/types";
import { conflict } from "./conflict";
import {
  emptyForm,
  findAside,
  findDraft,
  formOf,
  keepDraft,
  newKey,
  same,
  sentOf,
  setAside,
  slug,
  type Form,
} from "./draft";
import { fields } from "./fields";
import { head, notes } from "./article-actions";
import type { GateOut } from "../shared/api.generated";
import { kb } from "./api";
import type { MarkdownField } from "./markdown";
import "./publish";
import "./side-panel";
import "./versions";

// The field for Markdown is the largest part of the page: it comes while the list and the form are there already.
void import("./markdown");

/** One article on the desk: its form, its text, its life. Fires `changed` when the list should be read again, `said` for what is read out. */
@customElement("fl-desk")
export class Desk extends LitElement {
  /** The id from the address, or "new". */
  @property({ attribute: false }) key = "";
  @state() private article: Article | null = null;
  @state() private form: Form | null = null;
  @state() private theirs: Article | null = null;
  @state() private showVersions = false;
  @state() private busy = false;
  @state() private trouble = "";
  @state() private recovered = "";
  @state() private gate: GateOut | null = null;
  /** What somebody decides on in the dialog; shown as the result once it is published. */
  private compared: GateOut | null = null;
  private base = 0;
  private idTouched = false;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("beforeunload", this.guard);
    addEventListener("keydown", this.press);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("beforeunload", this.guard);
    removeEventListener("keydown", this.press);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    // A new article has got its id by being saved: it stays as it is on the desk.
    if (changed.has("key") && this.key !== this.article?.id) void this.open(this.key);
  }

  private get isNew(): boolean {
    return this.form !== null && this.base === 0;
  }

  get dirty(): boolean {
    if (this.form === null) return false;
    return this.article === null
      ? !same({ ...this.form, id: "" }, emptyForm)
      : !same(this.form, formOf(this.article));
  }

  private readonly guard = (event: BeforeUnloadEvent): void => {
    if (this.dirty) event.preventDefault();
  };

  private readonly press = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && this.form !== null) {
      event.preventDefault();
      void this.save();
    }
  };

  private say(words: string): void {
    this.dispatchEvent(new CustomEvent("said", { detail: words }));
  }

  /** The address names the article. Unsaved work stays in this browser and is found again. */
  private async open(key: string): Promise<void> {
    Object.assign(this, {
      trouble: "",
      theirs: null,
      showVersions: false,
      recovered: "",
      article: null,
      form: null,
      gate: null,
      base: 0,
    });
    if (key === newKey) return this.begin();
    try {
      const found = await kb.read(key);
      if (this.key === key) this.take(found);
    } catch (error) {
      if (this.key === key) this.trouble = wordsOf(error);
    }
  }

  private begin(): void {
    const draft = findDraft(newKey);
    this.form = draft?.form ?? { ...emptyForm };
    this.idTouched = this.form.id !== "" && this.form.id !== slug(this.form.title);
    if (draft) this.recovered = draft.at;
    void this.updateComplete.then(() =>
      this.querySelector<HTMLInputElement>("[data-testid=editor-title]")?.focus(),
    );
  }

  private take(found: Article): void {
    const draft = findDraft(found.id);
    this.article = found;
    this.form = draft?.form ?? formOf(found);
    this.base = draft?.base ?? found.version;
    if (draft && this.dirty) this.recovered = draft.at;
    else keepDraft(found.id, null);
  }

  private readonly edit = (change: Partial<Form>): void => {
    if (this.form === null) return;
    this.form = { ...this.form, ...change };
    if (change.id !== undefined) this.idTouched = change.id !== "";
    if (this.isNew && change.title !== undefined && !this.idTouched)
      this.form = { ...this.form, id: slug(change.title) };
    keepDraft(
      this.isNew ? newKey : this.form.id,
      this.dirty ? { form: this.form, base: this.base, at: new Date().toISOString() } : null,
    );
  };

  private readonly save = async (): Promise<void> => {
    const form = this.form;
    if (form === null || this.busy) return;
    const fresh = this.isNew;
    await this.attempt(async () => {
      const saved = fresh
        ? await kb.create(form.id, sentOf(form))
        : await kb.save(form.id, sentOf(form), this.base);
      keepDraft(fresh ? newKey : form.id, null);
      this.saved(saved, form);
      if (fresh) {
        history.replaceState(null, "", `#${saved.id}`);
        dispatchEvent(new HashChangeEvent("hashchange"));
      }
      this.say(`Version ${saved.version} is saved.`);
    });
  };

  /** Do something to the article; somebody else's newer text opens the comparison. */
  private async attempt(act: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.trouble = "";
    try {
      await act();
    } catch (error) {
      if (error instanceof Problem && error.code === "edit_conflict" && error.extra["current"])
        this.theirs = error.extra["current"] as Article;
      else this.trouble = wordsOf(error);
    } finally {
      this.busy = false;
    }
    this.dispatchEvent(new CustomEvent("changed"));
  }

  /** What was typed while the text was on its way stays. */
  private saved(article: Article, sent: Form): void {
    const untouched = this.form !== null && same(this.form, sent);
    this.article = article;
    this.base = article.version;
    this.theirs = null;
    this.recovered = "";
    this.gate = null;
    if (untouched) this.form = formOf(article);
  }

  private readonly act = (name: "review" | "unpublish" | "archive" | "unschedule", words: string): void => {
    const id = this.article?.id;
    if (id === undefined) return;
    void this.attempt(async () => {
      this.article = await kb.act(id, name);
      this.gate = null;
      this.say(words);
    });
  };

  /** Known questions are asked first: when none of them gets worse it is published at once, else somebody decides. */
  private readonly publish = (): void => {
    const id = this.article?.id;
    if (id === undefined) return;
    void this.attempt(async () => {
      const gate = await kb.gate(id).catch(() => null);
      this.compared = gate;
      if (gate !== null && gate.worse.length > 0) void this.querySelector("fl-publish")?.open(gate, false);
      else await this.show(id, gate);
    });
  };

  private readonly check = (): void => {
    if (this.article) void this.querySelector("fl-publish")?.open(kb.gate(this.article.id), true);
  };

  private async show(id: string, gate: GateOut | null): Promise<void> {
    const shown = await kb.act(id, "publish");
    this.article = shown;
    this.gate = gate;
    this.say(`Version ${shown.version} is published.`);
  }

  private readonly confirmed = (event: CustomEvent<string | null>): void => {
    const id = this.article?.id;
    if (id === undefined) return;
    void this.attempt(async () => {
      if (event.detail === null) return this.show(id, this.compared);
      this.article = await kb.schedule(id, event.detail);
      this.say("Publishing is scheduled.");
    });
  };

  private readonly restore = (event: CustomEvent<number>): void => {
    const { article, form } = this;
    if (article === null || form === null) return;
    void this.attempt(async () => {
      const restored = await kb.restore(article.id, event.detail, this.base);
      if (this.dirty) this.putAside();
      keepDraft(article.id, null);
      this.saved(restored, form);
      this.form = formOf(restored);
      this.say(`Version ${event.detail} is the newest again, as version ${restored.version}.`);
    });
  };

  private readonly discard = (): void => {
    if (this.form === null || !confirm("Throw away what you have not saved?")) return;
    keepDraft(this.isNew ? newKey : this.form.id, null);
    this.recovered = "";
    this.theirs = null;
    if (this.article === null) {
      this.form = null;
      location.hash = "";
    } else {
      this.form = formOf(this.article);
      this.base = this.article.version;
    }
  };

  private putAside(): void {
    if (this.form) setAside(this.form.id, { form: this.form, base: this.base, at: new Date().toISOString() });
  }

  private readonly bringBack = (): void => {
    const kept = this.article && findAside(this.article.id);
    if (!kept) return;
    // The two change places: neither of them is lost.
    if (this.dirty) this.putAside();
    else setAside(kept.form.id, null);
    this.edit(kept.form);
  };

  private readonly ways = {
    theirs: (): void => {
      if (this.theirs === null) return;
      this.putAside();
      keepDraft(this.theirs.id, null);
      this.saved(this.theirs, this.form!);
      this.form = formOf(this.article!);
      this.say("Their version is in the form. Yours is set aside.");
    },
    both: (): void => {
      if (this.theirs === null || this.form === null) return;
      const theirs = this.theirs;
      Object.assign(this, { article: theirs, base: theirs.version, theirs: null });
      this.edit({ body: `${this.form.body}\n\n---\n\n${theirs.body}` });
    },
    mine: (): void => {
      if (this.theirs === null) return;
      Object.assign(this, { article: this.theirs, base: this.theirs.version, theirs: null });
      void this.save();
    },
  };

  private readonly goTo = (event: CustomEvent<number>): void =>
    this.querySelector<MarkdownField>("fl-markdown")?.show(event.detail);

  override render(): TemplateResult {
    const { form, article } = this;
    if (form === null) {
      return html`<section class="desk none" aria-label="Article">
        ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : html`<p class="fine">Reading…</p>`}
      </section>`;
    }
    const view = { article, busy: this.busy, dirty: this.dirty, versions: this.showVersions };
    return html`<section class="desk" aria-label="Article">
      ${head(view, { save: this.save, publish: this.publish, check: this.check, discard: this.discard, act: this.act, toggle: () => (this.showVersions = !this.showVersions) })}
      ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
      ${notes({ article, recovered: this.recovered, base: this.base, gate: this.gate, aside: article ? findAside(article.id) : null, bringBack: this.bringBack, close: () => (this.gate = null) })}
      ${this.theirs ? conflict(form, this.theirs, this.ways) : nothing}
      ${this.showVersions && article ? html`<fl-versions .article=${article} .form=${form} @restore=${this.restore}></fl-versions>` : nothing}
      ${fields(form, this.isNew, this.edit, this.save)}
      <div class="sheets">
        <div class="sheet">
          <p class="sheet-name"><span>Text</span> <span class="fine" id="body-kind">Markdown</span></p>
          <fl-markdown
            .value=${form.body}
            .of=${this.isNew ? newKey : form.id}
            @edit=${(event: CustomEvent<string>) => this.edit({ body: event.detail })}
          ></fl-markdown>
        </div>
        <fl-sheet class="sheet" .article=${article} .form=${form} @line=${this.goTo}></fl-sheet>
      </div>
      <fl-publish .article=${article} @publish=${this.confirmed}></fl-publish>
    </section>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "fl-desk": Desk;
  }
}

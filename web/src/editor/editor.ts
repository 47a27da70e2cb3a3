import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { Problem, call, get, wordsOf } from "../shared/api";
import { day, human, moment } from "../shared/format";
import * as icons from "../shared/icons";
import { StaffPage } from "../shared/page";
import type { Article, Version } from "../shared/types";
import { emptyForm, findDraft, formOf, keepDraft, same, sideBySide, slug, type Form } from "./draft";
import { rebuild } from "./preview";

const areas = ["account", "sign-in", "billing", "orders", "preferences", "features", "exports", "notifications", "privacy", "plans"];
const tones: Record<Article["status"], { tone: string; words: string }> = {
  draft: { tone: "", words: "Draft" },
  published: { tone: "good", words: "Published" },
  changed: { tone: "person", words: "Changed" },
};
const newKey = "new";

/** Write, preview, save and publish help articles. Unsaved work is kept in this browser. */
@customElement("fl-editor")
export class EditorPage extends StaffPage {
  protected override readonly path = "/editor";
  @state() private articles: Article[] | null = null;
  @state() private text = "";
  @state() private status = "";
  /** The article as the server has it; null for a new one or while it is read. */
  @state() private article: Article | null = null;
  @state() private form: Form | null = null;
  @state() private theirs: Article | null = null;
  @state() private versions: Version[] | null = null;
  @state() private seen: Version | null = null;
  @state() private busy = false;
  @state() private trouble = "";
  @state() private listTrouble = "";
  @state() private recovered = "";
  @state() private stale = false;
  private base = 0;
  private idTouched = false;
  private previewTimer: ReturnType<typeof setTimeout> | undefined;
  private listTimer: ReturnType<typeof setTimeout> | undefined;
  private previewed: string | null = null;

  protected override entered(): void {
    void this.list();
    if (this.form === null) void this.follow();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.follow);
    addEventListener("beforeunload", this.guard);
    addEventListener("keydown", this.key);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.follow);
    removeEventListener("beforeunload", this.guard);
    removeEventListener("keydown", this.key);
  }

  private get isNew(): boolean {
    return this.form !== null && this.base === 0;
  }

  private get dirty(): boolean {
    if (this.form === null) return false;
    return this.article === null ? !same({ ...this.form, id: "" }, emptyForm) : !same(this.form, formOf(this.article));
  }

  private readonly guard = (event: BeforeUnloadEvent): void => {
    if (this.dirty) event.preventDefault();
  };

  private readonly key = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s" && this.form !== null) {
      event.preventDefault();
      void this.save();
    }
  };

  /** The address names the article. Unsaved work stays in this browser and is found again. */
  private readonly follow = async (): Promise<void> => {
    const key = location.hash.slice(1);
    this.trouble = "";
    this.theirs = null;
    this.versions = null;
    this.seen = null;
    this.recovered = "";
    this.article = null;
    this.form = null;
    this.previewed = null;
    this.base = 0;
    if (key === "") return;
    if (key === newKey) {
      this.begin();
      return;
    }
    try {
      const found = await get<Article>(`/articles/${encodeURIComponent(key)}`);
      if (location.hash.slice(1) === key) this.take(found);
    } catch (error) {
      this.trouble = wordsOf(error);
    }
  };

  private begin(): void {
    const draft = findDraft(newKey);
    this.form = draft?.form ?? { ...emptyForm };
    this.idTouched = this.form.id !== "" && this.form.id !== slug(this.form.title);
    if (draft) this.recovered = draft.at;
    void this.updateComplete.then(() => this.querySelector<HTMLInputElement>("[data-testid=editor-title]")?.focus());
  }

  private take(found: Article): void {
    const draft = findDraft(found.id);
    this.article = found;
    this.form = draft?.form ?? formOf(found);
    this.base = draft?.base ?? found.version;
    if (draft && this.dirty) this.recovered = draft.at;
    else keepDraft(found.id, null);
  }

  private async list(): Promise<void> {
    const query = new URLSearchParams();
    if (this.status) query.set("status", this.status);
    if (this.text.trim()) query.set("q", this.text.trim());
    try {
      this.articles = (await get<{ articles: Article[] }>(`/articles?${query}`)).articles;
      this.listTrouble = "";
    } catch (error) {
      this.listTrouble = wordsOf(error);
    }
  }

  private listSoon(): void {
    clearTimeout(this.listTimer);
    this.listTimer = setTimeout(() => void this.list(), 200);
  }

  private edit(change: Partial<Form>): void {
    if (this.form === null) return;
    this.form = { ...this.form, ...change };
    if (change.id !== undefined) this.idTouched = change.id !== "";
    if (this.isNew && change.title !== undefined && !this.idTouched) this.form = { ...this.form, id: slug(change.title) };
    keepDraft(this.isNew ? newKey : this.form.id, this.dirty ? { form: this.form, base: this.base, at: new Date().toISOString() } : null);
  }

  private save = async (): Promise<void> => {
    const form = this.form;
    if (form === null || this.busy) return;
    const { id, ...text } = form;
    const fresh = this.isNew;
    this.busy = true;
    this.trouble = "";
    try {
      const saved = fresh
        ? await call<Article>("POST", "/articles", { body: form })
        : await call<Article>("PUT", `/articles/${encodeURIComponent(id)}`, { body: { ...text, base_version: this.base } });
      keepDraft(fresh ? newKey : id, null);
      this.saved(saved, form);
      if (fresh) history.replaceState(null, "", `#${saved.id}`);
      this.say(`Version ${saved.version} is saved.`);
    } catch (error) {
      if (error instanceof Problem && error.code === "edit_conflict" && error.extra["current"]) this.theirs = error.extra["current"] as Article;
      else this.trouble = wordsOf(error);
    } finally {
      this.busy = false;
    }
    void this.list();
  };

  /** What was typed while the text was on its way stays. */
  private saved(article: Article, sent: Form): void {
    const untouched = this.form !== null && same(this.form, sent);
    this.article = article;
    this.base = article.version;
    this.theirs = null;
    this.recovered = "";
    if (untouched) this.form = formOf(article);
    if (this.versions) void this.loadVersions();
  }

  private async publish(on: boolean): Promise<void> {
    if (this.article === null || this.busy) return;
    this.busy = true;
    this.trouble = "";
    try {
      this.article = await call<Article>("POST", `/articles/${encodeURIComponent(this.article.id)}/${on ? "publish" : "unpublish"}`);
      this.say(on ? `Version ${this.article.version} is published.` : "The article is no longer published.");
    } catch (error) {
      this.trouble = wordsOf(error);
    } finally {
      this.busy = false;
    }
    void this.list();
  }

  private discard = (): void => {
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

  private toggleVersions = (): void => {
    if (this.versions === null) void this.loadVersions();
    else {
      this.versions = null;
      this.seen = null;
    }
  };

  private async loadVersions(): Promise<void> {
    if (this.article === null) return;
    try {
      this.versions = (await get<{ versions: Version[] }>(`/articles/${encodeURIComponent(this.article.id)}/versions`)).versions;
    } catch (error) {
      this.trouble = wordsOf(error);
    }
  }

  protected override updated(_: PropertyValues): void {
    const body = this.form?.body ?? null;
    if (body === this.previewed) return;
    const first = this.previewed === null;
    this.previewed = body;
    clearTimeout(this.previewTimer);
    this.previewTimer = setTimeout(() => void this.preview(), first ? 0 : 350);
  }

  private async preview(): Promise<void> {
    const body = this.form?.body;
    const target = this.querySelector("[data-testid=editor-preview]");
    if (body === undefined || !target) return;
    try {
      const { html: rendered } = body.trim() === "" ? { html: "" } : await call<{ html: string }>("POST", "/articles/preview", { body: { body } });
      if (this.form?.body === body) {
        target.replaceChildren(rebuild(rendered));
        this.stale = false;
      }
    } catch {
      this.stale = true;
    }
  }

  protected override content(): TemplateResult {
    return html`<main id="main" class="library" data-open=${this.form !== null || this.trouble !== ""}>
      <h1 class="unseen">Help articles</h1>
      ${this.sidebar()} ${this.form === null ? this.nothingOpen() : this.desk(this.form)}
    </main>`;
  }

  private sidebar(): TemplateResult {
    return html`<section class="shelf" aria-label="Articles">
      <div class="shelf-head">
        <input type="search" aria-label="Search articles" placeholder="Search articles" .value=${this.text} data-testid="editor-search" @input=${(event: Event) => { this.text = (event.target as HTMLInputElement).value; this.listSoon(); }} />
        <div class="shelf-row">
          <select aria-label="Status" data-testid="editor-status" @change=${(event: Event) => { this.status = (event.target as HTMLSelectElement).value; void this.list(); }}>
            <option value="">All</option>
            <option value="published">Published</option>
            <option value="changed">Changed since</option>
            <option value="draft">Drafts</option>
          </select>
          <a class="primary" href="#${newKey}" data-testid="editor-new">${icons.plus} New</a>
        </div>
      </div>
      ${this.listTrouble ? html`<p class="trouble" role="alert">${this.listTrouble}</p>` : nothing}
      <div class="shelf-list">
        ${this.articles === null
          ? html`<p class="fine empty">Reading…</p>`
          : this.articles.length === 0
            ? html`<p class="fine empty">Nothing found.</p>`
            : html`<ul>${this.articles.map((one) => html`<li>${this.row(one)}</li>`)}</ul>`}
      </div>
    </section>`;
  }

  private row(one: Article): TemplateResult {
    const { tone, words } = tones[one.status];
    return html`<a href="#${one.id}" data-testid="article-row" data-status=${one.status} aria-current=${this.article?.id === one.id ? "true" : nothing}>
      <strong>${one.title}</strong>
      <span class="fine"><span class="tag ${tone}">${words}</span> ${human(one.area)} · ${day(one.updated_at)}${findDraft(one.id) ? " · unsaved" : ""}</span>
    </a>`;
  }

  private nothingOpen(): TemplateResult {
    return html`<section class="desk none" aria-label="Article">
      ${this.trouble
        ? html`<p class="trouble" role="alert">${this.trouble}</p>`
        : html`<div><p class="calm">Choose an article, or begin a new one.</p><p class="fine">What you publish is found by the assistant at once.</p></div>`}
    </section>`;
  }

  private desk(form: Form): TemplateResult {
    const article = this.article;
    const { tone, words } = article ? tones[article.status] : { tone: "", words: "New" };
    return html`<section class="desk" aria-label="Article">
      <header class="desk-head">
        <a class="round back" href="#" aria-label="Back to all articles">${icons.back}</a>
        <p class="fine" data-testid="editor-state">
          <span class="tag ${tone}">${words}</span>
          ${article
            ? html`Version ${article.version}, ${moment(article.updated_at)} by ${article.updated_by}${article.status === "changed" ? `; readers see version ${article.published_version}` : ""}`
            : "Not saved yet"}
          ${this.dirty ? html`<strong class="dirty">Unsaved changes</strong>` : nothing}
        </p>
        <div class="desk-acts">
          ${this.dirty ? html`<button class="second" data-testid="editor-discard" @click=${this.discard}>Throw away</button>` : nothing}
          ${article ? html`<button class="second" aria-expanded=${this.versions !== null} data-testid="editor-versions" @click=${this.toggleVersions}>Versions</button>` : nothing}
          ${article?.published_version != null ? html`<button class="second" data-testid="editor-unpublish" ?disabled=${this.busy} @click=${() => void this.publish(false)}>Unpublish</button>` : nothing}
          <button class="second" data-testid="editor-publish" ?disabled=${this.busy || article === null || this.dirty || article.status === "published"} @click=${() => void this.publish(true)}>Publish</button>
          <button class="primary" data-testid="editor-save" ?disabled=${this.busy || !this.dirty} @click=${this.save}>Save</button>
        </div>
      </header>
      ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
      ${this.recovered ? html`<p class="found" role="status">This is what you wrote at ${moment(this.recovered)} and have not saved. ${article && this.base < article.version ? "Somebody has saved a newer version since." : ""}</p>` : nothing}
      ${this.theirs ? this.conflict(form, this.theirs) : nothing}
      ${this.versions ? this.history(this.versions) : nothing}
      <form class="fields" @submit=${(event: Event) => { event.preventDefault(); void this.save(); }}>
        <div class="wide"><label for="title">Title</label><input id="title" maxlength="200" required .value=${form.title} data-testid="editor-title" @input=${(event: Event) => this.edit({ title: value(event) })} /></div>
        <div><label for="key">Id</label><input id="key" class="code" maxlength="80" pattern="[a-z0-9]+(-[a-z0-9]+)*" ?readonly=${!this.isNew} .value=${form.id} data-testid="editor-id" @input=${(event: Event) => this.edit({ id: value(event) })} /></div>
        <div><label for="area">Area</label><input id="area" list="areas" maxlength="40" .value=${form.area} data-testid="editor-area" @input=${(event: Event) => this.edit({ area: value(event) })} /></div>
        <div class="narrow"><label for="language">Language</label><input id="language" maxlength="10" .value=${form.language} data-testid="editor-language" @input=${(event: Event) => this.edit({ language: value(event) })} /></div>
        <datalist id="areas">${areas.map((area) => html`<option value=${area}></option>`)}</datalist>
      </form>
      <div class="sheets">
        <div class="sheet"><p class="sheet-name"><label for="body">Text</label> <span class="fine" id="body-kind">Markdown</span></p><textarea id="body" class="code" aria-describedby="body-kind" spellcheck="true" .value=${form.body} data-testid="editor-body" @input=${(event: Event) => this.edit({ body: value(event) })}></textarea></div>
        <div class="sheet">
          <h2>As readers see it ${this.stale ? html`<span class="fine">(not up to date)</span>` : nothing}</h2>
          <div class="page" tabindex="0" role="region" aria-label="Preview"><h3 class="page-name">${form.title || "No name yet"}</h3><div data-testid="editor-preview"></div></div>
        </div>
      </div>
    </section>`;
  }

  private conflict(form: Form, theirs: Article): TemplateResult {
    const fields = (["title", "area", "language"] as const).filter((name) => form[name] !== theirs[name]);
    return html`<section class="conflict" role="alert" data-testid="editor-conflict">
      <h2>${theirs.updated_by} has saved version ${theirs.version} meanwhile</h2>
      <p class="fine">Nothing is lost: your text is still in the form below.</p>
      ${fields.map((name) => html`<p class="fine">${human(name)}: <strong>${form[name]}</strong> (yours), <strong>${theirs[name]}</strong> (theirs)</p>`)}
      <div class="lines" tabindex="0" role="region" aria-label="Both texts">
        <table>
          <thead><tr><th scope="col">Yours</th><th scope="col">Theirs, version ${theirs.version}</th></tr></thead>
          <tbody>${sideBySide(form.body, theirs.body).map((row) => html`<tr class=${row.same ? "" : "differs"}><td>${row.mine}</td><td>${row.theirs}</td></tr>`)}</tbody>
        </table>
      </div>
      <div class="desk-acts">
        <button class="second" data-testid="conflict-theirs" @click=${this.takeTheirs}>Take theirs</button>
        <button class="second" data-testid="conflict-both" @click=${this.takeBoth}>Put theirs below mine</button>
        <button class="primary" data-testid="conflict-mine" @click=${this.saveMine}>Save mine as version ${theirs.version + 1}</button>
      </div>
    </section>`;
  }

  private takeTheirs = (): void => {
    if (this.theirs === null || !confirm("Your unsaved text is thrown away. Go on?")) return;
    const theirs = this.theirs;
    keepDraft(theirs.id, null);
    this.article = theirs;
    this.form = formOf(theirs);
    this.base = theirs.version;
    this.theirs = null;
  };

  private takeBoth = (): void => {
    if (this.theirs === null || this.form === null) return;
    const theirs = this.theirs;
    this.article = theirs;
    this.base = theirs.version;
    this.theirs = null;
    this.edit({ body: `${this.form.body}\n\n---\n\n${theirs.body}` });
  };

  private saveMine = (): void => {
    if (this.theirs === null) return;
    this.article = this.theirs;
    this.base = this.theirs.version;
    this.theirs = null;
    void this.save();
  };

  private history(versions: Version[]): TemplateResult {
    return html`<section class="history" aria-label="Versions">
      <ol>
        ${versions.map(
          (one) => html`<li data-testid="version-row">
            <button class="small" aria-pressed=${this.seen?.version === one.version} @click=${() => (this.seen = this.seen?.version === one.version ? null : one)}>Version ${one.version}</button>
            <span class="fine">${moment(one.created_at)} by ${one.created_by}</span>
            ${one.version === this.article?.published_version ? html`<span class="tag good">readers see this</span>` : nothing}
          </li>`,
        )}
      </ol>
      ${this.seen
        ? html`<div class="old">
            <p><strong>${this.seen.title}</strong> <button class="small" @click=${this.takeOld}>Put into the form</button></p>
            <pre tabindex="0" role="region" aria-label="Version ${this.seen.version}">${this.seen.body}</pre>
          </div>`
        : nothing}
    </section>`;
  }

  private takeOld = (): void => {
    if (this.seen === null) return;
    const { title, area, language, body } = this.seen;
    if (this.dirty && !confirm("Your unsaved text is replaced. Go on?")) return;
    this.edit({ title, area, language, body });
  };
}

function value(event: Event): string {
  return (event.target as HTMLInputElement | HTMLTextAreaElement).value;
}

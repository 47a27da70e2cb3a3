import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { StaffPage } from "../shared/page";
import "./article-editor";
import { newKey } from "./draft";
import "./unanswered";
import "./article-list";
import "./review-due";
import "./transfer";

/** The parts of the page besides the articles; ids of articles hold no slash. */
const sections: Record<string, string> = {
  "": "Articles",
  "/review-due": "Review due",
  "/unanswered": "Unanswered questions",
  "/import": "Import and export",
};

/** Write, preview, save and publish help articles, and see what is missing. Unsaved work is kept in this browser. */
@customElement("fl-editor")
export class EditorPage extends StaffPage {
  protected override readonly path = "/editor";
  @state() private key = "";
  /** Grows when the list of articles should be read again. */
  @state() private turn = 0;

  protected override entered(): void {
    this.turn += 1;
    this.follow();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.follow);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.follow);
  }

  private readonly follow = (): void => {
    this.key =
      decodeURIComponent(location.hash.slice(1)) === "main"
        ? this.key
        : decodeURIComponent(location.hash.slice(1));
  };

  private get section(): string {
    return this.key.startsWith("/") ? (this.key in sections ? this.key : "") : "";
  }

  private readonly changed = (): void => {
    this.turn += 1;
  };

  protected override content(): TemplateResult {
    return html`<nav class="sections" aria-label="Knowledge base">
        ${Object.entries(sections).map(([key, words]) => html`<a href="#${key}" aria-current=${this.section === key ? "page" : nothing} data-testid=${`section-${key.slice(1) || "articles"}`}>${words}</a>`)}
      </nav>
      ${this.section === "" ? this.library() : this.side(this.section)}`;
  }

  private library(): TemplateResult {
    const key = this.key.startsWith("/") ? "" : this.key;
    return html`<main id="main" class="library" data-open=${key !== ""}>
      <h1 class="unseen">Help articles</h1>
      <fl-shelf .open=${key} .turn=${this.turn}></fl-shelf>
      ${
        key === ""
          ? html`<section class="desk none" aria-label="Article">
              <div>
                <p class="calm">Choose an article, or <a href="#${newKey}">begin a new one</a>.</p>
                <p class="fine">What you publish is found by the assistant at once.</p>
              </div>
            </section>`
          : html`<fl-desk
              .key=${key}
              @changed=${this.changed}
              @said=${(event: CustomEvent<string>) => this.say(event.detail)}
            ></fl-desk>`
      }
    </main>`;
  }

  private side(section: string): TemplateResult {
    const said = (event: CustomEvent<string>): void => this.say(event.detail);
    return html`<main id="main" class="wide-page">
      <h1>${sections[section]}</h1>
      ${section === "/review-due" ? html`<fl-review-due></fl-review-due>` : section === "/unanswered" ? html`<fl-unanswered @said=${said}></fl-unanswered>` : html`<fl-transfer @changed=${this.changed} @said=${said}></fl-transfer>`}
    </main>`;
  }
}

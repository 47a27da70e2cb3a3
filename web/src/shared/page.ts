import { html, LitElement, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { session, sessionEnded, wordsOf } from "./api";
import * as icons from "./icons";
import "./sign-in";
import { learnTitles } from "./titles";
import { applyTheme, nextTheme, theme, type Theme } from "./theme";
import type { Role, Session } from "./types";

const pages: { path: string; name: string; role: Role }[] = [
  { path: "/console", name: "Console", role: "agent" },
  { path: "/editor", name: "Editor", role: "editor" },
  { path: "/review", name: "Review", role: "trainer" },
  { path: "/healing", name: "Healing", role: "agent" },
];
const themes: Record<Theme, { icon: TemplateResult; words: string }> = {
  system: { icon: icons.half, words: "Colours: as the system. Change to light" },
  light: { icon: icons.sun, words: "Colours: light. Change to dark" },
  dark: { icon: icons.moon, words: "Colours: dark. Change to the system's" },
};
applyTheme();

/**
 * A page for staff: who is signed in, what their roles let them see, and the frame around the content.
 * The content's state stays when the session ends meanwhile, so that signing in again goes on where it was.
 */
export abstract class StaffPage extends LitElement {
  protected abstract readonly path: string;
  @state() protected me: Session | null | undefined;
  @state() private notice = "";
  @state() private unreachable = "";
  @state() private theme = theme();
  @state() private said = "";
  private wasIn = false;

  protected override createRenderRoot(): this {
    return this;
  }

  /** What the page shows below the header; it brings its own `main`. */
  protected abstract content(me: Session): TemplateResult;
  /** Somebody who may use this page is signed in; after signing in again, too. */
  protected abstract entered(me: Session): void;
  /** Nobody is signed in any more. */
  protected left(): void {}

  protected may(role: Role): boolean {
    const roles = this.me?.staff.roles ?? [];
    return roles.includes(role) || roles.includes("admin");
  }

  /** Say something to people who do not see the page. */
  protected say(words: string): void {
    this.said = "";
    setTimeout(() => (this.said = words), 60);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener(sessionEnded, this.ended);
    void this.look();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener(sessionEnded, this.ended);
  }

  private readonly look = async (): Promise<void> => {
    try {
      this.unreachable = "";
      this.use(await session.find());
    } catch (error) {
      this.unreachable = wordsOf(error);
      setTimeout(() => void this.look(), 4_000);
    }
  };

  private use(found: Session | null): void {
    this.me = found;
    const role = pages.find((page) => page.path === this.path)?.role;
    if (found !== null && !found.password_change_required && role && this.may(role)) {
      this.wasIn = true;
      this.entered(found);
      void learnTitles().then(() => this.requestUpdate());
    }
  }

  private readonly ended = (): void => {
    if (!this.me || this.me.password_change_required) return;
    this.notice = this.wasIn ? "Your session has ended. Sign in again; what you wrote is still here." : "";
    this.left();
    void this.look();
  };

  private readonly signOut = async (): Promise<void> => {
    try {
      await session.end();
    } catch {
      // The session may be over already; what counts is what the server says now.
    }
    this.wasIn = false;
    this.notice = "You are signed out.";
    this.left();
    await this.look();
  };

  override render(): TemplateResult {
    if (this.me === undefined) {
      return html`<main class="door" id="main">
        <p class="quiet" role="status">${this.unreachable || "One moment…"}</p>
      </main>`;
    }
    if (this.me === null || this.me.password_change_required) {
      return html`<fl-sign-in
        .waiting=${this.me}
        .notice=${this.notice}
        @signed-in=${(event: CustomEvent<Session>) => this.use(event.detail)}
      ></fl-sign-in>`;
    }
    const role = pages.find((page) => page.path === this.path)?.role;
    return html`<a class="skip" href="#main">Skip to the content</a>
      ${this.header(this.me)} ${role && this.may(role) ? this.content(this.me) : this.notForYou()}
      <p class="unseen" role="status" aria-live="polite">${this.said}</p>`;
  }

  private header(me: Session): TemplateResult {
    const shown = themes[this.theme];
    return html`<header class="top">
      <a class="brand" href="/">${icons.mark}<span>Firstline</span></a>
      <nav aria-label="Pages">
        ${pages
          .filter((page) => this.may(page.role))
          .map(
            (page) =>
              html`<a href=${page.path} aria-current=${page.path === this.path ? "page" : nothing}
                >${page.name}</a
              >`,
          )}
        <a href="/help">Help</a>
      </nav>
      <div class="who">
        <button
          class="round"
          @click=${() => (this.theme = nextTheme())}
          aria-label=${shown.words}
          title=${shown.words}
        >
          ${shown.icon}
        </button>
        <span class="name" title=${me.staff.email}>${me.staff.name}</span>
        <button class="small" @click=${this.signOut} data-testid="sign-out">Sign out</button>
      </div>
    </header>`;
  }

  private notForYou(): TemplateResult {
    return html`<main class="door" id="main">
      <div class="door-card">
        <h1>Not for your role</h1>
        <p>Your account may not use this page. An admin can give you the role for it.</p>
      </div>
    </main>`;
  }
}

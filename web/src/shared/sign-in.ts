import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { session, wordsOf } from "./api";
import { mark } from "./icons";
import type { Session } from "./types";

/** Sign in, and choose a password of one's own after a one-time password. Fires `signed-in` with the session. */
@customElement("fl-sign-in")
export class SignIn extends LitElement {
  /** A session that may do nothing before the one-time password is changed. */
  @property({ attribute: false }) waiting: Session | null = null;
  @property() notice = "";
  @state() private trouble = "";
  @state() private busy = false;
  private current = "";

  protected override createRenderRoot(): this {
    return this;
  }

  protected override firstUpdated(): void {
    this.focusFirst();
  }

  private focusFirst(): void {
    this.querySelector<HTMLInputElement>("input:not([readonly])")?.focus();
  }

  private async attempt(action: () => Promise<Session>): Promise<void> {
    this.busy = true;
    this.trouble = "";
    try {
      const found = await action();
      if (found.password_change_required) {
        this.waiting = found;
        await this.updateComplete;
        this.focusFirst();
      } else {
        this.dispatchEvent(new CustomEvent<Session>("signed-in", { detail: found, bubbles: true }));
      }
    } catch (error) {
      this.trouble = wordsOf(error);
    } finally {
      this.busy = false;
    }
  }

  private field(form: FormData, name: string): string {
    const value = form.get(name);
    return typeof value === "string" ? value : "";
  }

  private enter = (event: SubmitEvent): void => {
    event.preventDefault();
    if (this.busy) return;
    const form = new FormData(event.target as HTMLFormElement);
    this.current = this.field(form, "password");
    void this.attempt(() => session.begin(this.field(form, "email").trim(), this.current));
  };

  private change = (event: SubmitEvent): void => {
    event.preventDefault();
    if (this.busy) return;
    const form = new FormData(event.target as HTMLFormElement);
    const [fresh, repeated] = [this.field(form, "new"), this.field(form, "repeat")];
    if (fresh !== repeated) {
      this.trouble = "The two passwords are not the same.";
      return;
    }
    const current = this.current || this.field(form, "current");
    void this.attempt(() => session.changePassword(current, fresh));
  };

  override render() {
    return html`<main class="door" id="main">
      <div class="door-card">
        <a class="brand" href="/">${mark}<span>Firstline</span></a>
        ${this.waiting ? this.passwordForm() : this.signInForm()}
      </div>
    </main>`;
  }

  private said() {
    return html`<p class="trouble" role="alert" ?hidden=${this.trouble === ""}>${this.trouble}</p>`;
  }

  private signInForm() {
    return html`<h1>Sign in</h1>
      <p class="quiet">${this.notice || "For the people behind the help: agents, editors, trainers."}</p>
      <form @submit=${this.enter}>
        <label for="email">E-mail address</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="username"
          required
          data-testid="signin-email"
        />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          data-testid="signin-password"
        />
        ${this.said()}
        <button class="primary" ?disabled=${this.busy} data-testid="signin-submit">
          ${this.busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p class="fine">
        First time here? The start of Firstline printed an address and a one-time password in the terminal.
      </p>`;
  }

  private passwordForm() {
    return html`<h1>Choose your password</h1>
      <p class="quiet">
        The one-time password has done its work. From now on you sign in with your own: 12 characters or more;
        a few words are good.
      </p>
      <form @submit=${this.change}>
        <input
          class="unseen"
          type="email"
          name="email"
          autocomplete="username"
          readonly
          tabindex="-1"
          aria-hidden="true"
          .value=${this.waiting?.staff.email ?? ""}
        />
        ${
          this.current === ""
            ? html`<label for="current">One-time password</label>
                <input
                  id="current"
                  name="current"
                  type="password"
                  autocomplete="current-password"
                  required
                  data-testid="password-current"
                />`
            : nothing
        }
        <label for="new">New password</label>
        <input
          id="new"
          name="new"
          type="password"
          autocomplete="new-password"
          minlength="12"
          maxlength="200"
          required
          data-testid="password-new"
        />
        <label for="repeat">The same again</label>
        <input
          id="repeat"
          name="repeat"
          type="password"
          autocomplete="new-password"
          required
          data-testid="password-repeat"
        />
        ${this.said()}
        <button class="primary" ?disabled=${this.busy} data-testid="password-submit">
          ${this.busy ? "Saving…" : "Save and go on"}
        </button>
      </form>`;
  }
}

import { LitElement, html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { get, wordsOf } from "../shared/api";
import type { CountOut, TriggersOut } from "../shared/api.generated";
import { human } from "../shared/format";

const columns: [keyof Omit<CountOut, "trigger">, string][] = [
  ["offers", "Offered"],
  ["accepted", "Taken"],
  ["dismissed", "Refused"],
  ["ignored", "Ignored"],
  ["open", "Open"],
];
const every = 10_000;

/** Help that was offered before it was asked for: by trigger, and what users made of it. */
@customElement("fl-offers")
export class Offers extends LitElement {
  @state() private triggers: CountOut[] | null = null;
  @state() private problem = "";
  private timer: ReturnType<typeof setInterval> | undefined;

  /** The page's own styles hold here, too. */
  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = setInterval(() => void this.load(), every);
    void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  private async load(): Promise<void> {
    try {
      const { triggers, problem } = await get<TriggersOut>("/triggers");
      this.triggers = triggers;
      this.problem = problem ?? "";
    } catch (error) {
      this.problem = wordsOf(error);
    }
  }

  protected override render(): TemplateResult {
    return html`<section aria-labelledby="offers">
      <h2 id="offers">Proactive offers</h2>
      ${this.problem ? html`<p class="bad" role="status">${this.problem}</p>` : nothing}
      ${
        this.triggers === null
          ? nothing
          : html`<div
              class="rows"
              tabindex="0"
              role="group"
              aria-label="Triggers and what became of their offers"
            >
              <table>
                <thead>
                  <tr>
                    <th scope="col">Trigger</th>
                    ${columns.map(([, word]) => html`<th scope="col">${word}</th>`)}
                  </tr>
                </thead>
                <tbody>
                  ${this.triggers.map(
                    (one) =>
                      html`<tr data-testid="trigger">
                        <td>${human(one.trigger)}</td>
                        ${columns.map(([name]) => html`<td data-count=${name}>${one[name]}</td>`)}
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
      }
    </section>`;
  }
}

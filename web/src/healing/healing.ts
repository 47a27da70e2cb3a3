import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { call, get, wordsOf } from "../shared/api";
import type { HealingOut } from "../shared/api.generated";
import { human, moment } from "../shared/format";
import { titled } from "../shared/titles";
import { StaffPage } from "../shared/page";
import "./offers";

const figures: [string, string][] = [
  ["found", "found"],
  ["verified", "repaired"],
  ["dry_run", "dry run"],
  ["rolled_back", "rolled back"],
  ["failed", "failed"],
  ["refused", "refused"],
  ["skipped", "skipped"],
  ["open", "open"],
];
const words = Object.fromEntries(figures);
const breakers = {
  closed: "closed: works",
  open: "open: stopped after failures",
  half_open: "half open: one trial",
};
const every = 5_000;

/** What self-healing found and did, which fixes have stopped themselves, and the switch that stops it all. */
@customElement("fl-healing")
export class HealingPage extends StaffPage {
  protected override readonly path = "/healing";
  @state() private seen: HealingOut | null = null;
  @state() private trouble = "";
  @state() private status = "";
  @state() private busy = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  protected override entered(): void {
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.load(), every);
    void this.load();
  }

  protected override left(): void {
    clearInterval(this.timer);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.left();
  }

  private async load(): Promise<void> {
    try {
      const query = this.status ? `?status=${this.status}` : "";
      this.seen = await get<HealingOut>(`/healing${query}`);
      this.trouble = "";
    } catch (error) {
      this.trouble = wordsOf(error);
    }
  }

  private async throwSwitch(stopped: boolean): Promise<void> {
    this.busy = true;
    try {
      await call("POST", "/healing/switch", { body: { stopped } });
      await this.load();
      this.say(stopped ? "Self-healing is stopped." : "Self-healing is started.");
    } catch (error) {
      this.trouble = wordsOf(error);
    }
    this.busy = false;
  }

  private filter(event: Event): void {
    this.status = (event.target as HTMLSelectElement).value;
    void this.load();
  }

  protected override content(): TemplateResult {
    const seen = this.seen;
    return html`<main id="main" class="ward">
      <h1 class="unseen">Self-healing</h1>
      ${this.trouble ? html`<p class="trouble" role="alert">${this.trouble}</p>` : nothing}
      ${seen === null ? html`<p class="quiet" role="status">One moment…</p>` : html`${this.standing(seen)} ${this.counts(seen)} ${this.fixes(seen)} ${this.scans(seen)} ${this.runs(seen)}`}
      <fl-offers></fl-offers>
    </main>`;
  }

  private standing(seen: HealingOut): TemplateResult {
    const { stopped, by, reason, at } = seen.switch;
    const why = stopped
      ? `Stopped by ${by}${at ? `, ${moment(at)}` : ""}${reason ? `: ${reason}` : ""}.`
      : (seen.problem ??
        (seen.enabled ? "Drifts are repaired as the policy says." : "The policy allows no repairs."));
    return html`<section
      class="state"
      data-active=${seen.active}
      data-testid="healing-state"
      aria-label="State"
    >
      <div>
        <strong>${seen.active ? "Self-healing is on" : "Self-healing is off"}</strong>
        <p class="quiet">${why}</p>
      </div>
      ${
        this.may("admin")
          ? html`<button
              class=${stopped ? "primary" : "warn"}
              data-testid="healing-switch"
              ?disabled=${this.busy}
              @click=${() => this.throwSwitch(!stopped)}
            >
              ${stopped ? "Start self-healing" : "Stop self-healing"}
            </button>`
          : nothing
      }
    </section>`;
  }

  private counts(seen: HealingOut): TemplateResult {
    return html`<section aria-label="Drifts in all">
      <ul class="figures">
        ${figures.map(([name, said]) => html`<li data-figure=${name}><b>${seen.counts[name] ?? 0}</b><span>${said}</span></li>`)}
      </ul>
    </section>`;
  }

  private fixes(seen: HealingOut): TemplateResult {
    const names = [
      ...new Set([...Object.keys(seen.workflows), ...seen.breakers.map((one) => one.workflow)]),
    ].sort();
    return html`<section aria-labelledby="fixes">
      <h2 id="fixes">Fixes</h2>
      <div class="rows">
        <table>
          <thead>
            <tr>
              <th scope="col">Fix</th>
              <th scope="col">Policy</th>
              <th scope="col">Breaker</th>
              <th scope="col">Next trial</th>
              <th scope="col">Case</th>
            </tr>
          </thead>
          <tbody>
            ${names.flatMap((name) => {
              const own = seen.breakers.filter((one) => one.workflow === name);
              return (own.length > 0 ? own : [null]).map(
                (one) =>
                  html`<tr data-breaker=${one?.state ?? "closed"}>
                    <td>${titled(name)}${one ? ` (${one.host})` : nothing}</td>
                    <td>${human(seen.workflows[name] ?? "off")}</td>
                    <td class=${one && one.state !== "closed" ? "bad" : ""}>
                      ${breakers[one?.state ?? "closed"]}${one?.reason ? ` (${human(one.reason).toLowerCase()})` : nothing}
                    </td>
                    <td>${one?.state === "open" && one.retry_at ? moment(one.retry_at) : ""}</td>
                    <td>
                      ${one?.case_id ? html`<a href="/console#${one.case_id}">Open the case</a>` : nothing}
                    </td>
                  </tr>`,
              );
            })}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  private scans(seen: HealingOut): TemplateResult {
    return html`<section aria-labelledby="scans">
      <h2 id="scans">Scans</h2>
      ${
        seen.scans.length === 0
          ? html`<p class="quiet">None yet.</p>`
          : html`<ul>
              ${seen.scans.map(
                (scan) =>
                  html`<li>
                    ${scan.host}: ${scan.users} users, ${scan.drifts}
                    drifts${scan.unreadable ? `, ${scan.unreadable} could not be read` : ""};
                    ${scan.problem ? html`<span class="bad">stopped (${human(scan.problem).toLowerCase()})</span>` : scan.finished_at ? `ended ${moment(scan.finished_at)}` : "under way"}
                  </li>`,
              )}
            </ul>`
      }
      ${seen.events_waiting > 0 ? html`<p class="quiet">${seen.events_waiting} events in the queue.</p>` : nothing}
    </section>`;
  }

  private runs(seen: HealingOut): TemplateResult {
    return html`<section aria-labelledby="runs">
      <h2 id="runs">Drifts</h2>
      <div class="filter">
        <label for="status">Show</label>
        <select id="status" @change=${this.filter}>
          <option value="">all</option>
          ${figures.slice(1).map(([name, said]) => html`<option value=${name} ?selected=${this.status === name}>${said}</option>`)}
        </select>
      </div>
      ${
        seen.runs.length === 0
          ? html`<p class="quiet">Nothing to show.</p>`
          : html`<div class="rows" tabindex="0" role="group" aria-label="Drifts, newest first">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Found</th>
                    <th scope="col">Fix</th>
                    <th scope="col">User</th>
                    <th scope="col">Outcome</th>
                    <th scope="col">Seen</th>
                  </tr>
                </thead>
                <tbody>
                  ${seen.runs.map(
                    (run) =>
                      html`<tr data-testid="healing-run" data-status=${run.status}>
                        <td><time datetime=${run.found_at}>${moment(run.found_at)}</time> (${run.source})</td>
                        <td>${titled(run.workflow)}</td>
                        <td>${run.user_ref}</td>
                        <td class=${run.status === "failed" ? "bad" : ""}>
                          ${words[run.status] ?? "under way"}${run.reason ? ` (${human(run.reason).toLowerCase()})` : ""}
                        </td>
                        <td>${run.sightings === 1 ? "once" : `${run.sightings} times`}</td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
      }
    </section>`;
  }
}

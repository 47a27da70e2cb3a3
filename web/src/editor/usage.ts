import { html, nothing, svg, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { percent } from "../shared/format";
import type { StatisticsOut } from "../shared/api.generated";
import { kb } from "./api";
import { Panel } from "./panels";

/** How readers fared with this article. */
@customElement("fl-figures")
export class FiguresPanel extends Panel<StatisticsOut> {
  protected override read(id: string): Promise<StatisticsOut> {
    return kb.statistics(id);
  }

  protected override shown(found: StatisticsOut): TemplateResult {
    const of = (count: number): string => (found.shown > 0 ? percent(count / found.shown) : "");
    const figure = (name: string, count: number, share: string, tone = ""): TemplateResult =>
      html`<div>
        <dt>${name}</dt>
        <dd><strong class=${tone}>${count}</strong> <span class="fine">${share}</span></dd>
      </div>`;
    return html`<dl class="figures" data-testid="figures">
        ${figure("Shown", found.shown, "")} ${figure("Helped", found.helped, of(found.helped), "good")}
        ${figure("Did not help", found.not_helped, of(found.not_helped), "bad")}
        ${figure("Led to a person", found.handed_off, of(found.handed_off))}
      </dl>
      ${found.by_day.length > 1 ? this.days(found.by_day) : found.shown === 0 ? html`<p class="fine empty">Nobody was shown it yet.</p>` : nothing}`;
  }

  private days(days: StatisticsOut["by_day"]): TemplateResult {
    const most = Math.max(1, ...days.map((one) => one.shown));
    const wide = 100 / days.length;
    return html`<figure class="days">
      <svg viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true">
        ${days.map((one, at) => svg`<rect x=${at * wide + wide * 0.1} width=${wide * 0.8} y=${32 - (one.shown / most) * 31} height=${(one.shown / most) * 31 + 1}></rect>`)}
      </svg>
      <figcaption class="fine">
        <span>${days[0].day}</span><span>at most ${most} a day</span><span>${days.at(-1)!.day}</span>
      </figcaption>
    </figure>`;
  }
}

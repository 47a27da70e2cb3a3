import type { EventIn } from "../shared/api.generated";
import { newKey } from "../shared/wire";

/** Something the user did or saw: what kind, which named step, which error code, which page. Never what was typed. */
export type BehaviourEvent = EventIn;

/** Takes a batch to the server, also while the page is being left. Rejects when it could not be delivered. */
export type Deliver = (events: BehaviourEvent[]) => Promise<void>;

const soon = 400;
const later = 3_000;
const batch = 20;
const atMost = 50;
const kept = 100;
const longestPause = 60_000;
const clicks = 4;
const within = 1_500;
const apart = 30;
const hesitates = 25;
// What the server takes; anything else in a mark is the page's mistake, and would cost the whole batch.
const aStep = /^[a-z0-9][a-z0-9_.:-]{0,62}$/;
const aCode = /^[A-Z]{2,8}-[0-9]{3,6}$/;
// Where clicking fast is how it is used.
const calm = "firstline-widget, input, textarea, select, [data-firstline-calm]";
const marked = "[data-error-code], [data-firstline-error], [data-firstline-failed]";

/**
 * Watches for signs of trouble, once there is consent: errors shown, actions that fail, clicks in rage, a step on
 * which somebody hangs. A page marks steps with data-firstline-step, codes with data-error-code (or
 * data-firstline-error), what failed with data-firstline-failed, the seconds of hesitation with
 * data-firstline-hesitate, and where fast clicks are no rage with data-firstline-calm.
 */
export class Behaviour {
  private waiting: BehaviourEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pause = 0;
  private sending = false;
  private told = new Map<string, number>();
  /** How often the user has done something: the same sign after another try is told again. */
  private tries = 0;
  private page = "";
  private recent: { at: number; x: number; y: number }[] = [];
  private idle: ReturnType<typeof setTimeout> | undefined;
  private over: AbortController | null = null;
  private seen: MutationObserver | null = null;

  constructor(private readonly deliver: Deliver) {}

  get watching(): boolean {
    return this.over !== null;
  }

  /** Begin to watch; the user has agreed. */
  start(): void {
    if (this.watching) return;
    this.over = new AbortController();
    const { signal } = this.over;
    this.visit();
    this.scan(document);
    this.seen = new MutationObserver((changes) => this.changed(changes));
    const attributeFilter = ["data-error-code", "data-firstline-error", "data-firstline-failed", "hidden"];
    this.seen.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter });
    addEventListener("click", (event) => this.clicked(event), { signal, capture: true });
    addEventListener("focusin", (event) => this.hesitate(event), { signal });
    addEventListener("input", (event) => this.hesitate(event), { signal });
    addEventListener("submit", () => this.tried(), { signal, capture: true });
    addEventListener("popstate", () => this.visit(), { signal });
    addEventListener("pagehide", () => void this.flush(true), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && void this.flush(true), { signal });
  }

  /** Stop watching, and forget what was not sent. */
  stop(): void {
    this.over?.abort();
    this.over = null;
    this.seen?.disconnect();
    clearTimeout(this.timer);
    clearTimeout(this.idle);
    this.waiting = [];
    this.recent = [];
    this.told.clear();
    this.page = "";
  }

  /** The page says that an action did not work. */
  failed(step: string): void {
    this.note("action_failed", { step });
  }

  private changed(changes: MutationRecord[]): void {
    this.visit();
    for (const change of changes) {
      if (change.type === "attributes") this.scan(change.target as Element);
      for (const node of change.addedNodes) if (node instanceof Element) this.scan(node);
    }
  }

  /** A page with another path, also where the application changes it without loading anything. */
  private visit(): void {
    if (location.pathname === this.page) return;
    this.page = location.pathname;
    this.told.clear();
    clearTimeout(this.idle);
    this.note("page_view", {});
  }

  private tried(): void {
    this.tries += 1;
    clearTimeout(this.idle);
  }

  private scan(root: Document | Element): void {
    const found = [...root.querySelectorAll<HTMLElement>(marked)];
    if (root instanceof HTMLElement && root.matches(marked)) found.push(root);
    for (const element of found) {
      if (element.checkVisibility?.() === false) continue;
      const { errorCode, firstlineError: code = errorCode, firstlineFailed: step } = element.dataset;
      if (code) this.once("error_shown", { code, ...named(element) });
      if (step) this.once("action_failed", { step });
    }
  }

  private clicked(event: MouseEvent): void {
    if (!(event.target instanceof Element) || event.target.closest(calm) !== null) return;
    this.tries += 1;
    const now = event.timeStamp;
    this.recent = this.recent.filter(
      (one) => now - one.at < within && Math.hypot(one.x - event.clientX, one.y - event.clientY) < apart,
    );
    this.recent.push({ at: now, x: event.clientX, y: event.clientY });
    if (this.recent.length < clicks) return;
    this.recent = [];
    this.note("rage_click", named(event.target));
  }

  private hesitate(event: Event): void {
    clearTimeout(this.idle);
    const step =
      event.target instanceof Element ? event.target.closest<HTMLElement>("[data-firstline-step]") : null;
    if (step === null) return;
    const seconds = Number(step.dataset.firstlineHesitate) || hesitates;
    this.idle = setTimeout(() => this.once("hesitation", named(step)), seconds * 1000);
  }

  /** The same sign once a page and try: what is only drawn anew is no new trouble. */
  private once(type: BehaviourEvent["type"], about: Partial<BehaviourEvent>): void {
    const sign = `${type} ${about.code ?? ""} ${about.step ?? ""}`;
    if (this.told.get(sign) === this.tries) return;
    this.told.set(sign, this.tries);
    this.note(type, about);
  }

  private note(type: BehaviourEvent["type"], about: Partial<BehaviourEvent>): void {
    if (!this.watching || (about.code && !aCode.test(about.code)) || (about.step && !aStep.test(about.step)))
      return;
    const page = location.pathname.slice(0, 200);
    this.waiting.push({
      id: newKey().replace(/[^A-Za-z0-9_-]/g, ""),
      type,
      at: new Date().toISOString(),
      page,
      ...about,
    });
    if (this.waiting.length > kept) this.waiting.shift();
    if (this.waiting.length >= batch && this.pause === 0) void this.flush(false);
    else this.plan(type === "page_view" || type === "hesitation" ? later : soon);
  }

  private plan(wait: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(false), Math.max(wait, this.pause));
  }

  private async flush(last: boolean): Promise<void> {
    if (this.waiting.length === 0 || (this.sending && !last)) return;
    this.sending = true;
    const events = this.waiting.splice(0, last ? atMost : batch);
    try {
      await this.deliver(events);
      this.pause = 0;
    } catch {
      // Sent again later, the same ids: the server counts each once.
      this.waiting = [...events, ...this.waiting].slice(-kept);
      this.pause = Math.min(longestPause, Math.max(5_000, this.pause * 2));
    } finally {
      this.sending = false;
      if (this.waiting.length > 0 && this.watching && !last) this.plan(soon);
    }
  }
}

function named(element: Element): { step?: string } {
  const step = element.closest<HTMLElement>("[data-firstline-step]")?.dataset.firstlineStep;
  return step ? { step } : {};
}

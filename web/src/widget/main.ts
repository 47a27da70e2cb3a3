import type { FirstlineHelp } from "./help";
import { Session, type Options } from "./conversation-store";
import { Shelf } from "./help-pack";
import "./widget";
import type { FirstlineWidget } from "./widget";

export type { Options } from "./conversation-store";

/** What a page opens the panel with: a code the user has seen, or words; either only stands in the input. */
export interface Opening {
  code?: string;
  text?: string;
}

let widget: FirstlineWidget | null = null;

/**
 * Put the launcher on the page. Called again it replaces the widget that is there.
 *
 * Fires on window: `firstline:ready` once the launcher is there, and `firstline:resolved` (detail: the card) when a
 * problem was solved and the solution was verified while the page was open.
 */
export function start(options: Options): void {
  if (!options?.baseUrl || typeof options.getToken !== "function") {
    throw new TypeError("Firstline.start needs { baseUrl, getToken }.");
  }
  stop();
  const session = new Session(options);
  const made = document.createElement("firstline-widget") as FirstlineWidget;
  made.session = session;
  if (options.suggestions) made.suggestions = options.suggestions.slice(0, 4);
  if (options.theme === "light" || options.theme === "dark") made.dataset.theme = options.theme;
  widget = made;
  made.shelf = new Shelf(session.baseUrl);
  void session.load();
  document.body.append(made);
  if (options.offline) void navigator.serviceWorker?.register(options.offline).catch(() => undefined);
  if (options.behaviour?.consent === true) session.consent(true);
  dispatchEvent(new CustomEvent("firstline:ready"));
}

/** Show help alone, in `place`: for a page without a connection, where nobody can be signed in. */
export function help(baseUrl: string, place: Element): void {
  const made = document.createElement("firstline-help") as FirstlineHelp;
  made.shelf = new Shelf(baseUrl);
  place.replaceChildren(made);
}

/** Open the panel. */
export function open(opening: Opening = {}): void {
  const words = opening.text ?? (opening.code ? `I see the code ${opening.code}. What can I do?` : "");
  void widget?.open(words);
}

/** Close the panel. */
export function close(): void {
  widget?.close();
}

/** Take the widget off the page and end its connection. What was said stays with the server. */
export function stop(): void {
  widget?.session.stop();
  widget?.remove();
  widget = null;
}

/** What the page tells of how the user gets on; nothing is taken without their consent. */
export const behaviour = {
  /** The user agrees (true), or takes it back (false). */
  consent(given: boolean): void {
    widget?.session.consent(given === true);
  },
  /** An action of a named step did not work. */
  failed(step: string): void {
    widget?.session.behaviour.failed(step);
  },
};

export const Firstline = { start, open, close, stop, help, behaviour };

declare global {
  interface Window {
    Firstline: typeof Firstline;
  }
}

window.Firstline = Firstline;

// The page that the service worker gives without a connection may run no script of its own.
const alone = document.querySelector<HTMLElement>("[data-firstline-help]");
if (alone?.dataset.firstlineHelp) help(alone.dataset.firstlineHelp, alone);

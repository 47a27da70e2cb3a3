/** The console's single keys. They can be switched off (WCAG 2.1.4) and never act while somebody writes. */
export type Shortcut =
  "next" | "previous" | "claim" | "reply" | "resolve" | "release" | "context" | "help" | "close";

export const shortcuts: { keys: string[]; shown: string[]; does: Shortcut; words: string }[] = [
  { keys: ["j", "ArrowDown"], shown: ["j"], does: "next", words: "Next case" },
  { keys: ["k", "ArrowUp"], shown: ["k"], does: "previous", words: "Case before" },
  { keys: ["c"], shown: ["c"], does: "claim", words: "Assign the case to me" },
  { keys: ["r"], shown: ["r"], does: "reply", words: "Write to the user" },
  { keys: ["e"], shown: ["e"], does: "resolve", words: "Close the case" },
  { keys: ["u"], shown: ["u"], does: "release", words: "Unassign: back into the queue" },
  { keys: ["x"], shown: ["x"], does: "context", words: "Conversation or context (on a small screen)" },
  { keys: ["Escape"], shown: ["Esc"], does: "close", words: "Leave the text field, then the case" },
  { keys: ["?"], shown: ["?"], does: "help", words: "This list" },
];
const name = "firstline:console-keys";

export function shortcutsOn(change?: boolean): boolean {
  if (change !== undefined) localStorage.setItem(name, change ? "on" : "off");
  return localStorage.getItem(name) !== "off";
}

export function useShortcuts(event: KeyboardEvent, actions: Record<Shortcut, () => void>): void {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
    return;
  if (document.querySelector("dialog[open]")) return;
  const writes = target.matches(
    "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]",
  );
  if (writes) {
    if (event.key === "Escape") target.blur();
    return;
  }
  // Arrows scroll where there is something to scroll.
  const found = shortcuts.find(
    (one) =>
      one.keys.includes(event.key) && (!event.key.startsWith("Arrow") || target.closest(".queue") !== null),
  );
  if (!found || (!shortcutsOn() && !["Escape", "ArrowDown", "ArrowUp"].includes(event.key))) return;
  event.preventDefault();
  actions[found.does]();
}

/** Light, dark, or as the system has it; kept in this browser. */
export type Theme = "system" | "light" | "dark";
const name = "firstline:theme";
const order: Theme[] = ["system", "light", "dark"];

export function theme(): Theme {
  try {
    const kept = localStorage.getItem(name) as Theme | null;
    return kept !== null && order.includes(kept) ? kept : "system";
  } catch {
    return "system";
  }
}

export function applyTheme(chosen = theme()): void {
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

export function nextTheme(): Theme {
  const chosen = order[(order.indexOf(theme()) + 1) % order.length] ?? "system";
  try {
    localStorage.setItem(name, chosen);
  } catch {
    // Without storage it holds for this page.
  }
  applyTheme(chosen);
  return chosen;
}

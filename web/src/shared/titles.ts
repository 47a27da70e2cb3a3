/** What workflows are called: their classes say so, and the pages ask once. */
import { get } from "./api";
import type { WorkflowsBody } from "./api.generated";
import { human } from "./format";

const titles = new Map<string, string>();

/** Ask what the workflows are called; without an answer their names are shown as they are. */
export async function learnTitles(): Promise<void> {
  if (titles.size > 0) return;
  try {
    const { workflows } = await get<WorkflowsBody>("/workflows");
    for (const { id, title } of workflows) titles.set(id, title);
  } catch {
    // Asked again when somebody signs in.
  }
}

/** The name of an attempt for people: a workflow's title, or the words of its name. */
export function titled(name: string): string {
  if (name.startsWith("undo_")) return `${titled(name.slice(5))}: taken back`;
  return titles.get(name) ?? human(name);
}

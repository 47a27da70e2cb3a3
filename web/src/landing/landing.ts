/** The landing page: shows the way to the sample application where one runs. */
import type { About } from "../shared/api.generated";

async function about(): Promise<About | null> {
  try {
    const answer = await fetch("/api/v1/about", { signal: AbortSignal.timeout(5_000) });
    return answer.ok ? ((await answer.json()) as About) : null;
  } catch {
    return null;
  }
}

function show(found: About | null): void {
  if (found === null) return;
  const version = document.getElementById("version");
  if (version !== null) version.textContent = `Version ${found.version}`;
  const act = document.getElementById("demo");
  const fine = document.getElementById("about");
  if (found.demo_url === null || !(act instanceof HTMLAnchorElement) || fine === null) return;
  act.href = found.demo_url;
  act.textContent = "Try it in the sample shop";
  fine.textContent =
    "Kettle sells tea and coffee by subscription. Sign in as one of its sample customers; most have a problem of their own.";
}

show(await about());

// Kettle's own script: starts the chat widget, and reads the page's state again when support has fixed something.

const firstline = document.body.dataset.firstline;
const said = document.getElementById("said");

async function getToken() {
  const answer = await fetch("/firstline/token", { method: "POST" });
  if (!answer.ok) throw new Error(`Kettle gave no token (${answer.status}).`);
  return (await answer.json()).token;
}

// Swap what the page shows without loading it anew, so that an open conversation stays as it is.
async function readAgain() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = fresh.getElementById("shell");
  const old = document.getElementById("shell");
  if (!now || !old) return;
  const kept = document.activeElement && old.contains(document.activeElement);
  old.replaceWith(now);
  if (answer.redirected) {
    history.replaceState(null, "", new URL(answer.url).pathname);
    document.title = fresh.title;
  }
  prepare(now);
  const main = document.getElementById("content");
  main.classList.add("fresh");
  if (kept) main.focus({ preventScroll: true });
  said.textContent = "";
  setTimeout(() => { said.textContent = "This page was updated."; }, 100);
}

function prepare(root) {
  if (root.querySelector("[data-running]")) setTimeout(readAgain, 2500);
  for (const button of root.querySelectorAll("[data-fill]")) {
    button.addEventListener("click", () => {
      const form = document.querySelector("form[action='/sign-in']");
      form.elements.email.value = button.dataset.fill;
      form.elements.password.value = document.querySelector(".samples code").textContent;
      form.querySelector("button").focus();
    });
  }
  const open = window.Firstline?.open;
  for (const button of root.querySelectorAll("[data-ask]")) {
    button.hidden = !open;
    button.addEventListener("click", () => open?.call(window.Firstline, { code: button.dataset.ask }));
  }
  root.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

// Whether the assistant may notice when something does not work: asked once, kept, and taken back at any time.
const CHOICE = "kettle-may-notice";

function mayNotice() {
  try { return localStorage.getItem(CHOICE); } catch { return "no"; }
}

function choose(value) {
  try { localStorage.setItem(CHOICE, value); } catch { /* then it is asked again */ }
  window.Firstline.behaviour.consent(value === "yes");
  showChoice();
}

function showChoice() {
  const place = document.querySelector("footer");
  place.querySelector(".consent")?.remove();
  const box = document.createElement("p");
  box.className = "consent";
  const now = mayNotice();
  box.append(now === "yes" ? "The assistant may notice when something does not work for you. " : now === "no"
    ? "The assistant does not watch how you get on. " : "May the assistant notice when something does not work for you, and offer help? It never sees what you type. ");
  for (const [value, text] of now === "yes" ? [["no", "Stop that"]] : now === "no" ? [["yes", "Allow it"]] : [["yes", "Yes"], ["no", "No"]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.dataset.consent = value;
    button.textContent = text;
    button.addEventListener("click", () => choose(value));
    box.append(button, " ");
  }
  place.append(box);
}

if (firstline && window.Firstline) {
  window.Firstline.start({
    behaviour: { consent: mayNotice() === "yes" },
    baseUrl: firstline,
    getToken,
    offline: "/firstline-offline.js",
    page: { url: location.href, title: document.title },
    theme: "auto",
  });
  showChoice();
}
window.addEventListener("firstline:resolved", readAgain);
prepare(document);

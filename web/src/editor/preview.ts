/**
 * The server renders and cleans the Markdown. Here the result is built again from an allow-list of elements and
 * attributes, so that nothing but these can come into the editor's page, whatever was sent.
 */
const elements = new Set(
  "A BLOCKQUOTE BR CODE EM H2 H3 H4 HR IMG LI OL P PRE STRONG TABLE TBODY TD TH THEAD TR UL".split(" "),
);
const schemes = new Set(["http:", "https:", "mailto:"]);

export function rebuild(html: string, into: Document = document): DocumentFragment {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const made = into.createDocumentFragment();
  copy(parsed.body, made, into);
  return made;
}

function copy(from: Node, to: Node, into: Document): void {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.appendChild(into.createTextNode(node.textContent ?? ""));
    else if (node instanceof Element) {
      const made = elements.has(node.tagName) ? element(node, into) : null;
      if (made) to.appendChild(made);
      copy(node, made ?? to, into);
    }
  }
}

function element(node: Element, into: Document): HTMLElement {
  const made = into.createElement(node.tagName);
  if (made instanceof HTMLAnchorElement) {
    const href = node.getAttribute("href");
    if (href !== null && isSafe(href)) {
      made.href = href;
      made.target = "_blank";
      made.rel = "noopener noreferrer";
    }
  } else if (made instanceof HTMLImageElement) {
    const source = node.getAttribute("src");
    made.alt = node.getAttribute("alt") ?? "";
    if (source !== null && isSafe(source)) made.src = source;
  } else if (made instanceof HTMLOListElement) {
    const start = Number(node.getAttribute("start") ?? 1);
    if (Number.isInteger(start)) made.start = start;
  }
  return made;
}

function isSafe(address: string): boolean {
  try {
    return schemes.has(new URL(address, location.href).protocol);
  } catch {
    return false;
  }
}

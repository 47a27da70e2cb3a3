import { html, svg, type TemplateResult } from "lit";

export * from "../widget/icons";

function icon(body: TemplateResult): TemplateResult {
  return html`<svg
    class="icon"
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.8"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    ${body}
  </svg>`;
}

export const sun = icon(
  svg`<circle cx="12" cy="12" r="4"/><path d="M12 3v1.500M12 19.500V21M3 12h1.500M19.500 12H21M5.600 5.600l1.100 1.100M17.300 17.300l1.100 1.100M18.400 5.600l-1.100 1.100M6.700 17.300l-1.100 1.100"/>`,
);
export const moon = icon(svg`<path d="M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z"/>`);
export const half = icon(
  svg`<circle cx="12" cy="12" r="8"/><path d="M12 4v16a8 8 0 0 0 0-16z" fill="currentColor"/>`,
);
export const bell = icon(svg`<path d="M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 2h-15zM10 20.500h4"/>`);
export const mute = icon(
  svg`<path d="M8 6.500A6 6 0 0 1 18 11v4M6 11v5.500l-1.500 2H17M10 20.500h4M4 4l16 16"/>`,
);
export const keys = icon(
  svg`<rect x="3" y="6.500" width="18" height="11" rx="2"/><path d="M7 10.500v.01M11 10.500v.01M15 10.500v.01M17 13.500v.01M8 14h6"/>`,
);
export const back = icon(svg`<path d="M14 6l-6 6 6 6"/>`);
export const plus = icon(svg`<path d="M12 5v14M5 12h14"/>`);
export const alert = icon(svg`<path d="M12 4.500l8.500 15h-17zM12 10.500v4M12 17v.01" />`);
export const search = icon(svg`<circle cx="11" cy="11" r="6"/><path d="M15.500 15.500L20 20"/>`);
export const clock = icon(svg`<circle cx="12" cy="12" r="8"/><path d="M12 7.500V12l3 2"/>`);
export const filter = icon(svg`<path d="M4 6h16M7 12h10M10 18h4"/>`);

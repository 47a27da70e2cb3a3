import { svg, html, type TemplateResult } from "lit";

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

/** The mark: a message whose first line is written. */
export const mark = icon(
  svg`<path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.6 3.4c-.4.3-.9 0-.9-.5v-3.1A2.5 2.5 0 0 1 4 14.5z"/><path d="M8 9h8" stroke-width="2.4"/><path d="M8 12.7h3.5" opacity=".55"/>`,
);
export const close = icon(svg`<path d="M6 6l12 12M18 6L6 18"/>`);
export const send = icon(svg`<path d="M12 19V5.5M6 11l6-6 6 6"/>`);
export const tick = icon(svg`<path d="M5 12.5l4.5 4.5L19 7.5" stroke-width="2.4"/>`);
export const cross = icon(svg`<path d="M7 7l10 10M17 7L7 17" stroke-width="2.4"/>`);
export const question = icon(
  svg`<path d="M9 9.2a3.1 3.1 0 1 1 4.4 3c-.9.5-1.4 1-1.4 2M12 17.5v.1" stroke-width="2.4"/>`,
);
export const person = icon(
  svg`<circle cx="12" cy="8" r="3.6"/><path d="M5 20c.6-3.8 3.4-6 7-6s6.4 2.2 7 6"/>`,
);
export const page = icon(
  svg`<path d="M7 3.5h7l4 4V20a.5.5 0 0 1-.5.5h-10.5A.5.5 0 0 1 6.500 20V4a.5.5 0 0 1 .5-.5zM14 3.500V8h4M9.500 12.500h5M9.500 16h5"/>`,
);
export const out = icon(
  svg`<path d="M10 5H6a1 1 0 0 0-1 1v12a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1v-4M14 4h6v6M20 4l-9 9"/>`,
);
export const arrow = icon(svg`<path d="M5 12h13M13 7l5 5-5 5"/>`);
export const box = icon(svg`<path d="M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8"/>`);

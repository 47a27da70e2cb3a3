/** Two texts in two columns, what differs marked by word. */
import { html, nothing, type TemplateResult } from "lit";
import { folded, sideBySide, words, type Mark, type Row } from "./compare";

const marked = (marks: Mark[], left: boolean): TemplateResult[] =>
  marks.map((mark) =>
    !mark.changed ? html`${mark.text}` : left ? html`<del>${mark.text}</del>` : html`<ins>${mark.text}</ins>`,
  );

function line(row: Row): TemplateResult {
  if (row.same)
    return html`<tr>
      <td>${row.mine}</td>
      <td>${row.theirs}</td>
    </tr>`;
  if (row.mine === null || row.theirs === null)
    return html`<tr class="differs">
      <td>${row.mine === null ? nothing : html`<del>${row.mine}</del>`}</td>
      <td>${row.theirs === null ? nothing : html`<ins>${row.theirs}</ins>`}</td>
    </tr>`;
  const { mine, theirs } = words(row.mine, row.theirs);
  return html`<tr class="differs">
    <td>${marked(mine, true)}</td>
    <td>${marked(theirs, false)}</td>
  </tr>`;
}

export function columns(
  left: string,
  right: string,
  names: { left: string; right: string; what: string },
): TemplateResult {
  const rows = sideBySide(left, right);
  if (rows.every((row) => row.same)) return html`<p class="fine">These two say the same.</p>`;
  return html`<div class="lines" tabindex="0" role="region" aria-label=${names.what}>
    <table>
      <thead>
        <tr>
          <th scope="col">${names.left}</th>
          <th scope="col">${names.right}</th>
        </tr>
      </thead>
      <tbody>
        ${folded(rows).map((row) =>
          typeof row === "number"
            ? html`<tr class="gap">
                <td colspan="2">${row} unchanged ${row === 1 ? "line" : "lines"}</td>
              </tr>`
            : line(row),
        )}
      </tbody>
    </table>
  </div>`;
}

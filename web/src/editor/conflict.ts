/** Two people saved one article: both texts side by side, and three ways on. */
import { html, type TemplateResult } from "lit";
import type { Article } from "../shared/types";
import { columns } from "./columns";
import { formOf, whole, type Form } from "./draft";

export interface Ways {
  theirs: () => void;
  both: () => void;
  mine: () => void;
}

export function conflict(form: Form, theirs: Article, ways: Ways): TemplateResult {
  return html`<section class="conflict" role="alert" data-testid="editor-conflict">
    <h2>${theirs.updated_by} has saved version ${theirs.version} meanwhile</h2>
    <p class="fine">
      Nothing is lost: yours is still in the form below, theirs is kept as version ${theirs.version}.
    </p>
    ${columns(whole(form), whole(formOf(theirs)), { left: "Yours", right: `Theirs, version ${theirs.version}`, what: "Yours and theirs" })}
    <div class="desk-acts">
      <button class="second" data-testid="conflict-theirs" @click=${ways.theirs}>Take theirs</button>
      <button class="second" data-testid="conflict-both" @click=${ways.both}>Put theirs below mine</button>
      <button class="primary" data-testid="conflict-mine" @click=${ways.mine}>
        Save mine as version ${theirs.version + 1}
      </button>
    </div>
  </section>`;
}

/** The front matter of an article as fields of a form. */
import { html, type TemplateResult } from "lit";
import type { Audience } from "../shared/types";
import { sentOf, type Form } from "./draft";

export const areas = [
  "account",
  "sign-in",
  "billing",
  "orders",
  "preferences",
  "features",
  "exports",
  "notifications",
  "privacy",
  "plans",
];
const readers: Record<Audience, string> = {
  everyone: "Everyone, visitors too",
  users: "Users who are signed in",
  staff: "Staff only",
};

type Change = (change: Partial<Form>) => void;

export function value(event: Event): string {
  return (event.target as HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement).value;
}

export function fields(form: Form, isNew: boolean, edit: Change, save: () => void): TemplateResult {
  return html`<form
      class="fields"
      @submit=${(event: Event) => {
        event.preventDefault();
        save();
      }}
    >
      <div class="wide">
        <label for="title">Title</label
        ><input
          id="title"
          maxlength="200"
          required
          .value=${form.title}
          data-testid="editor-title"
          @input=${(event: Event) => edit({ title: value(event) })}
        />
      </div>
      <div>
        <label for="key">Id</label
        ><input
          id="key"
          class="code"
          maxlength="80"
          pattern="[a-z0-9]+(-[a-z0-9]+)*"
          ?readonly=${!isNew}
          .value=${form.id}
          data-testid="editor-id"
          @input=${(event: Event) => edit({ id: value(event) })}
        />
      </div>
      <div>
        <label for="area">Area</label
        ><input
          id="area"
          list="areas"
          maxlength="40"
          .value=${form.area}
          data-testid="editor-area"
          @input=${(event: Event) => edit({ area: value(event) })}
        />
      </div>
      <div class="narrow">
        <label for="language">Language</label
        ><input
          id="language"
          maxlength="10"
          .value=${form.language}
          data-testid="editor-language"
          @input=${(event: Event) => edit({ language: value(event) })}
        />
      </div>
      <datalist id="areas">${areas.map((area) => html`<option value=${area}></option>`)}</datalist>
      <button hidden>Save</button>
    </form>
    ${more(form, edit)}`;
}

function more(form: Form, edit: Change): TemplateResult {
  return html`<details class="more" data-testid="editor-more">
    <summary>
      <span>Readers, summary, other ways to ask</span> <span class="fine">${inShort(form)}</span>
    </summary>
    <div class="more-fields">
      <div class="all">
        <label for="summary">Summary</label
        ><input
          id="summary"
          maxlength="400"
          placeholder="One sentence that answers; it is searched, too"
          .value=${form.summary}
          data-testid="editor-summary"
          @input=${(event: Event) => edit({ summary: value(event) })}
        />
      </div>
      <div class="tall">
        <label for="phrasings">Other ways to ask</label>
        <textarea
          id="phrasings"
          rows="5"
          aria-describedby="phrasings-how"
          .value=${form.phrasings}
          data-testid="editor-phrasings"
          @input=${(event: Event) => edit({ phrasings: value(event) })}
        ></textarea>
        <p class="fine" id="phrasings-how">One a line, as people put it. Each is searched like the title.</p>
      </div>
      <div>
        <label for="audience">Who may read it</label
        ><select
          id="audience"
          data-testid="editor-audience"
          @change=${(event: Event) => edit({ audience: value(event) as Audience })}
        >
          ${Object.entries(readers).map(([name, words]) => html`<option value=${name} .selected=${form.audience === name}>${words}</option>`)}
        </select>
      </div>
      <div>
        <label for="review-by">Review by</label
        ><input
          id="review-by"
          type="date"
          .value=${form.review_by}
          data-testid="editor-review-by"
          @input=${(event: Event) => edit({ review_by: value(event) })}
        />
      </div>
      <div>
        <label for="plans">Plans</label
        ><input
          id="plans"
          placeholder="All"
          aria-describedby="names-how"
          .value=${form.plans}
          data-testid="editor-plans"
          @input=${(event: Event) => edit({ plans: value(event) })}
        />
      </div>
      <div>
        <label for="product-versions">Product versions</label
        ><input
          id="product-versions"
          placeholder="All"
          aria-describedby="names-how"
          .value=${form.product_versions}
          data-testid="editor-product-versions"
          @input=${(event: Event) => edit({ product_versions: value(event) })}
        />
      </div>
      <p class="fine" id="names-how">Names parted by commas; none means all.</p>
    </div>
  </details>`;
}

function inShort(form: Form): string {
  const sent = sentOf(form);
  const ways = sent.phrasings.length;
  return [
    readers[sent.audience],
    sent.plans.length ? sent.plans.join(", ") : "all plans",
    sent.product_versions.length ? sent.product_versions.join(", ") : "all versions",
    ways === 0 ? "no other way to ask" : ways === 1 ? "1 other way to ask" : `${ways} other ways to ask`,
    ...(sent.review_by ? [`review by ${sent.review_by}`] : []),
  ].join(" · ");
}

/** What goes over the wire between the widget and Firstline. */

export interface Owner {
  kind: "bot" | "queue" | "agent";
  name: string | null;
}

export interface CaseInfo {
  id: string;
  status: string;
  /** Counts from 1; null once a person has the case. */
  position?: number | null;
  waiting?: number | null;
}

export interface Conversation {
  id: string;
  owner: Owner;
  epoch: number;
  last_seq: number;
  created_at: string;
  case: CaseInfo | null;
}

export interface Author {
  kind: "user" | "bot" | "agent" | "system";
  name: string | null;
}

export interface Choice {
  title: string;
  payload: string;
}

export interface ArticleCard {
  type: "article";
  article_id: string;
  version: number;
  title: string;
  url: string;
  quote: string;
  area: string;
}

export interface Fact {
  label: string;
  before: unknown;
  after: unknown;
}

export interface ResolutionCard {
  type: "resolution";
  workflow: string;
  title: string;
  outcome: "verified" | "failed" | "assumed";
  facts: Fact[];
  checked_at: string | null;
}

export interface OrderRow {
  number: string;
  status: string;
  expected: string | null;
  items: string[];
}

export interface OrdersCard {
  type: "orders";
  orders: OrderRow[];
}

/** The application wants the user to confirm that it is them. */
export interface StepUpCard {
  type: "step_up";
  title: string;
  url: string | null;
}

/** A person has the user's request already, in another conversation. */
export interface JoinedCaseCard {
  type: "joined_case";
  case: string;
  conversation: string;
}

export type Card = ArticleCard | ResolutionCard | OrdersCard | StepUpCard | JoinedCaseCard;

/** Help that is offered before anybody asks for it. */
export interface Offer {
  id: string;
  trigger: string;
  kind: "tooltip" | "article" | "workflow" | "tutorial" | "person";
  text: string;
  label: string;
  intent: string | null;
  article: string | null;
  card: ArticleCard | null;
  step: string | null;
  steps: string[];
  /** How long it is still good for. */
  seconds: number;
}

export interface MessageData {
  text: string;
  buttons: Choice[];
  card: Card | null;
  choice: string | null;
}

interface EventBase {
  id: string;
  seq: number;
  at: string;
  author: Author;
  turn: string | null;
  client_key: string | null;
}

export interface MessageEvent extends EventBase {
  type: "message";
  data: MessageData;
}

export interface OwnerEvent extends EventBase {
  type: "owner_changed";
  data: { owner: Owner; epoch: number; reason: string };
}

export interface HandoffEvent extends EventBase {
  type: "handoff";
  data: { case: string; reason: string; priority: string; shared: string[] };
}

export interface ResolvedEvent extends EventBase {
  type: "case_resolved";
  data: { case: string; outcome: string; note?: string | null };
}

export interface FeedbackEvent extends EventBase {
  type: "feedback";
  data: { about_seq: number; helpful: boolean };
}

/** Something that was put right without the user's asking. */
export interface NoticeData {
  text: string;
  card: Card | null;
}

export interface NoticeEvent extends EventBase {
  type: "notice";
  data: NoticeData & { notice: string };
}

/** A notice that stands in no conversation. */
export interface KeptNotice extends NoticeData {
  id: string;
  at: string;
}

export type ChatEvent =
  MessageEvent | OwnerEvent | HandoffEvent | ResolvedEvent | FeedbackEvent | NoticeEvent;

/** Frames the server sends over the WebSocket. */
export type Frame =
  | { type: "welcome"; conversation: Conversation }
  | { type: "event"; event: ChatEvent }
  | { type: "typing"; author: Author; active: boolean }
  | { type: "queue"; position: number; waiting: number }
  | {
      type: "problem";
      status: number;
      code: string;
      detail: string;
      hint: string | null;
      client_key: string | null;
      retry_after: number | null;
    }
  | { type: "token_expiring" }
  | { type: "pong" }
  | { type: "ack"; client_key: string; seq: number };

export interface Page {
  url: string;
  title: string;
}

export const MAX_TEXT = 4000;

/** Length as the server counts it: in code points. */
export function length(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** A key that is the same when a message is sent again. */
export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  // randomUUID is there in secure contexts only; a page on plain http has getRandomValues.
  const hex = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  // Written as a UUID, since a key of another form comes back as a hash of itself.
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** An article that was found: by its best passage. */
export interface Found {
  article_id: string;
  version: number;
  title: string;
  quote: string;
}

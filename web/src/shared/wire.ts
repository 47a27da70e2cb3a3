/**
 * What goes over the wire between the widget and Firstline. What the API's description has is generated; cards, the
 * data of events and the socket's frames are open objects there, and are written down here and nowhere else.
 */

import type * as api from "./api.generated";

export type {
  AuthorOut as Author,
  ConversationOut as Conversation,
  HitOut as Found,
  OwnerOut as Owner,
} from "./api.generated";

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

/** Help that is offered before anybody asks for it; `seconds` says how long it is still good for. */
export type Offer = Omit<api.OfferOut, "card"> & { card: ArticleCard | null };

export interface MessageData {
  text: string;
  buttons: Choice[];
  card: Card | null;
  choice: string | null;
}

type EventBase = Omit<api.EventOut, "type" | "data">;

export interface MessageEvent extends EventBase {
  type: "message";
  data: MessageData;
}

export interface OwnerEvent extends EventBase {
  type: "owner_changed";
  data: { owner: api.OwnerOut; epoch: number; reason: string };
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

/** Something that was repaired without the user's asking. */
export interface NoticeData {
  text: string;
  card: Card | null;
}

export interface NoticeEvent extends EventBase {
  type: "notice";
  data: NoticeData & { notice: string };
}

/** A notice that stands in no conversation. */
export type KeptNotice = Omit<api.NoticeOut, "card"> & { card: Card | null };

export type ChatEvent =
  MessageEvent | OwnerEvent | HandoffEvent | ResolvedEvent | FeedbackEvent | NoticeEvent;

/** Frames the server sends over the WebSocket. */
export type Frame =
  | { type: "welcome"; conversation: api.ConversationOut }
  | { type: "event"; event: ChatEvent }
  | { type: "typing"; author: api.AuthorOut; active: boolean }
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

export type Page = Required<api.PageIn>;

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

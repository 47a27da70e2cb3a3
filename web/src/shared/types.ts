/** What the staff's API gives. The events of a conversation are the same as the widget's. */
import type { ChatEvent, Conversation } from "./wire";

export type { ChatEvent, Conversation };
export type Role = "agent" | "editor" | "trainer" | "admin";
export type Outcome = "verified" | "assumed" | "escalated" | "abandoned" | "failed";

export interface Session {
  staff: { id: string; name: string; email: string; roles: Role[] };
  csrf: string;
  password_change_required: boolean;
}

export type Priority = "urgent" | "high" | "normal" | "low";
export type CaseOutcome = "solved" | "answered" | "not_solved" | "spam" | "withdrawn";

export interface Case {
  id: string;
  conversation_id: string;
  contact: { id: string; host: string; ref: string; name: string; email: string | null };
  reason: string;
  priority: Priority;
  status: "queued" | "assigned" | "resolved";
  assignee: { id: string; name: string } | null;
  summary: string;
  opened_at: string;
  claimed_at: string | null;
  last_activity_at: string | null;
  resolved_at: string | null;
  outcome: CaseOutcome | null;
  note: string | null;
  waited_seconds: number;
  /** Further conversations of the user that joined it; they stay with the assistant. */
  joined: number;
}

export interface Joined {
  conversation_id: string;
  reason: string;
  joined_at: string;
  said: string[];
}

export interface CaseList {
  cases: Case[];
  queued: number;
  assigned: number;
}

export interface Ranked {
  name: string;
  confidence: number;
}

export interface Attempt {
  id: string;
  turn_id: string | null;
  kind: string;
  name: string;
  outcome: Outcome | null;
  read: Record<string, unknown>;
  done: Record<string, unknown>;
  error: string | null;
  duration_ms: number | null;
  article_id?: string | null;
  article_version?: number | null;
  model_version?: string | null;
}

export interface Packet {
  collected_at: string;
  reason: string;
  page: Record<string, unknown>;
  client: Record<string, unknown>;
  channel: string;
  state: { as_of: string | null; parts: Record<string, unknown> | null; problem: string | null };
  attempts: Attempt[];
  articles: { article_id: string; version: number | null; title: string; url: string; seq: number; helpful: boolean | null }[];
  turns: { turn_id: string; seq: number; text: string; intent: string | null; confidence: number | null; ranking: Ranked[]; model: string | null; status: string }[];
  model_version: string | null;
  summary: { wants: string; tried: string; seen: string; assistant: string };
  shared: string[];
  missing: string[];
}

export interface CaseDetail {
  case: Case;
  packet: Packet | null;
  conversation: Conversation;
  events: ChatEvent[];
  joined: Joined[];
}

/** Who may read an article: visitors too, users who are signed in, or staff alone. */
export type Audience = "everyone" | "users" | "staff";

export interface Article {
  id: string;
  title: string;
  area: string;
  language: string;
  body: string;
  summary?: string;
  audience?: Audience;
  plans?: string[];
  product_versions?: string[];
  phrasings?: string[];
  review_by?: string | null;
  status: "draft" | "review" | "published" | "changed" | "archived";
  version: number;
  published_version: number | null;
  publish_at?: string | null;
  updated_at: string;
  updated_by: string;
}

export interface Version {
  version: number;
  title: string;
  area: string;
  language: string;
  body: string;
  summary?: string;
  audience?: Audience;
  plans?: string[];
  product_versions?: string[];
  phrasings?: string[];
  review_by?: string | null;
  created_at: string;
  created_by: string;
}

export interface ReviewRow {
  id: string;
  contact_name: string;
  started_at: string;
  last_at: string;
  turns: number;
  owner: string;
  outcome: string;
  outcomes: string[];
  last_text: string;
}

export interface Turn {
  id: string;
  seq: number;
  text: string;
  choice: string | null;
  intent: string | null;
  confidence: number | null;
  ranking: Ranked[];
  model: string | null;
  status: string;
  error: string | null;
  duration_ms: number | null;
}

export interface Review {
  conversation: Conversation;
  contact_name: string;
  events: ChatEvent[];
  turns: Turn[];
  attempts: Attempt[];
}

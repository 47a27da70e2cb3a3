/**
 * What the staff's API gives, by the names that the pages use. The forms are generated from the API's description
 * (`npm run types`); only what it leaves open is said here: the events' data, which wire.ts has, and rankings.
 */
import type * as api from "./api.generated";
import type { ChatEvent } from "./wire";

export type {
  ArticleOut as Article,
  AttemptOut as Attempt,
  AttemptSummary,
  CaseListView as CaseList,
  CaseView as Case,
  JoinedView as Joined,
  ReviewRow,
  SessionOut as Session,
  VersionOut as Version,
} from "./api.generated";
export type { ChatEvent, Conversation } from "./wire";

export type Role = api.NewStaffIn["roles"][number];
export type Outcome = NonNullable<api.AttemptOut["outcome"]>;
export type Priority = api.CaseView["priority"];
export type CaseOutcome = api.ResolveIn["outcome"];
export type Audience = api.ArticleOut["audience"];

/** An intent that was considered. */
export interface Ranked {
  name: string;
  confidence: number;
}

type Told<T> = Omit<T, "events"> & { events: ChatEvent[] };
type Read<T> = Omit<T, "ranking"> & { ranking: Ranked[] };

export type Turn = Read<api.TurnOut>;
export type TurnReading = Read<api.TurnReading>;
export type Packet = Omit<api.ContextPacket, "turns"> & { turns: TurnReading[] };
export type CaseDetail = Told<Omit<api.CaseDetail, "packet">> & { packet: Packet | null };
export type Review = Told<Omit<api.ReviewOut, "turns">> & { turns: Turn[] };

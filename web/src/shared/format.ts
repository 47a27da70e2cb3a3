/** Times, amounts and names from code as people read them. */

const minute = 60;
const hour = 60 * minute;

/** Seconds as "45 s", "12 min", "3 h 5 min", "2 d 4 h". */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < minute) return `${whole} s`;
  if (whole < hour) return `${Math.floor(whole / minute)} min`;
  const hours = Math.floor(whole / hour);
  if (hours < 24) return join(`${hours} h`, Math.floor((whole % hour) / minute), "min");
  return join(`${Math.floor(hours / 24)} d`, hours % 24, "h");
}

function join(first: string, count: number, unit: string): string {
  return count === 0 ? first : `${first} ${count} ${unit}`;
}

/** Milliseconds as "240 ms" or "1.8 s". */
export function took(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** A moment, as short as it can be: the time alone for today. */
export function moment(at: string, now = new Date()): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(date);
  return date.toDateString() === now.toDateString() ? time : `${dayOf(date, now)}, ${time}`;
}

/** The day of a moment; the time for today. */
export function day(at: string, now = new Date()): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) || date.toDateString() === now.toDateString()
    ? moment(at, now)
    : dayOf(date, now);
}

function dayOf(date: Date, now: Date): string {
  const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", ...year }).format(date);
}

/** A share as "94 %"; what is neither nothing nor all does not look as if it were. */
export function percent(share: number): string {
  if (share > 0 && share < 0.005) return "<1 %";
  if (share < 1 && share > 0.995) return ">99 %";
  return `${Math.round(share * 100)} %`;
}

export function money(cents: number, currency: string | undefined): string {
  try {
    return new Intl.NumberFormat(
      undefined,
      currency ? { style: "currency", currency } : { minimumFractionDigits: 2 },
    ).format(cents / 100);
  } catch {
    return (cents / 100).toFixed(2);
  }
}

/** "retry_payment" as "Retry payment". */
export function human(name: string): string {
  const words = name
    .replace(/^(action|utter)_/, "")
    .replace(/[_-]+/g, " ")
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const reasons: Record<string, string> = {
  user_asked: "Asked for a person",
  repeated_failure: "Not understood, repeatedly",
  workflow_failed: "A fix did not work",
  no_answer: "No answer found",
  policy: "Not for the assistant to do",
  assistant_unavailable: "The assistant did not answer",
  self_healing_stopped: "A fix stopped itself",
};

/** Why a person is wanted. */
export function reason(name: string): string {
  return reasons[name] ?? human(name);
}

const caseOutcomes: Record<string, string> = {
  solved: "Solved",
  answered: "Answered",
  not_solved: "Not solved",
  spam: "Spam",
};

export function caseOutcome(name: string): string {
  return caseOutcomes[name] ?? human(name);
}

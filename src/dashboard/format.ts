import { html, type Markup } from "../base/markup.ts";

/** `$0.42`; small sums with more digits, so that no cost looks like none. */
export function money(usd: number): string {
  if (usd !== 0 && Math.abs(usd) < 0.1) return `$${usd.toFixed(4)}`;
  return `$${usd.toFixed(2)}`;
}

/** Milliseconds as people say them: `0.1 s`, `6:12 min`, `3 h 20 min`, `9 d 4 h`. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, "0")} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Rounded: `4 min`. What a script counts on is in `data-since`. */
export function age(at: number, now: number): Markup {
  return html`<time datetime="${new Date(at).toISOString()}" data-since="${at}">${roughly(now - at)} ago</time>`;
}

/** `4 min`, `9 d`. */
export function roughly(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** A moment at the agent's place: `2026-11-21 13:40:05`. */
export function moment(at: number, timezone: string): Markup {
  const text = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short", timeStyle: "medium" });
  return html`<time datetime="${new Date(at).toISOString()}">${text.format(at)}</time>`;
}

/** `12,345` */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

export { plural } from "../base/plural.ts";

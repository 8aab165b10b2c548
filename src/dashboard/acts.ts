import type { Actions } from "../harness/actions.ts";

/** One thing that a person may do, as a form of the pages and as an address of the API. */
export interface Act {
  /** With `:id` where it is about something. */
  readonly path: string;
  readonly summary: string;
  /** Who is asked by the act itself whether she may: it takes no right to give tasks. */
  readonly forApprovers?: true;
  /** Where a browser goes afterwards. */
  readonly next: (id: string) => string;
  /** In words why it cannot be done; undefined: done. */
  readonly act: (acts: Actions, id: string, person: string) => Promise<string | undefined> | string | undefined;
}

const toRun = (id: string) => `/runs/${encodeURIComponent(id)}`;

/** The whole list: whatever else is sent here changes nothing. */
export const acts: readonly Act[] = [
  {
    path: "/runs/:id/stop",
    summary: "Ends a run for good, and tells its thread",
    next: toRun,
    act: (all, id, person) => all.stop(id, person),
  },
  {
    path: "/runs/:id/retry",
    summary: "Does what a run was asked for once more, as if the one who wants it had asked",
    next: () => "/",
    act: (all, id, person) => all.retry(id, person),
  },
  {
    path: "/pause",
    summary: "Nothing new is taken up until it is resumed; what is under way goes on",
    next: () => "/",
    act: (all, _, person) => all.pause(person),
  },
  {
    path: "/resume",
    summary: "Takes up again what waits",
    next: () => "/",
    act: (all, _, person) => all.resume(person),
  },
  {
    path: "/gates/:id/approve",
    summary: "Opens a gate; only for whom it waits",
    forApprovers: true,
    next: () => "/gates",
    act: (all, id, person) => all.approve(id, person),
  },
  {
    path: "/gates/:id/refuse",
    summary: "Closes a gate for good; only for whom it waits",
    forApprovers: true,
    next: () => "/gates",
    act: (all, id, person) => all.refuse(id, person),
  },
  {
    path: "/memory/:id/forget",
    summary: "Forgets for good",
    next: () => "/memory",
    act: (all, id, person) => all.forget(Number(id), person),
  },
];

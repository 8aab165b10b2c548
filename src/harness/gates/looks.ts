import { type ForgeKind, type ForgePayload, forgeSource } from "../forge-work.ts";
import { receive } from "../store/inbox.ts";
import type { Store } from "../store/open.ts";

/** How a look at a pull request ends that has to be followed by another one, though nothing may tell that it is time. */
export const waits = "done: waits";

/** Between two such looks, at least, ms; more where nothing happened for long: an eighth of that time. */
const shortest = 5 * 60_000;
const slower = 8;
/** After one that failed, ms: people are told each time. */
const afterFailure = 3600_000;
/** What happened longer ago does not count, ms. */
const oldest = 7 * 24 * 3600_000;
const mark = "look-";

interface Last {
  readonly lane: string;
  readonly kind: ForgeKind;
  readonly payload: string;
  readonly author: string;
  readonly ended: number;
}

/**
 * Takes in that pull requests of a repository are to be looked at again whose last look left something that waits, or failed. The forge
 * tells nobody that a reviewer says nothing, that a lens was given to somebody who was asked before, that a check is green, or that time is
 * over. A review that failed, or that a person stopped, costs a model each time: its lens is given to somebody else instead.
 */
export function enterLooks(store: Store, repo: string, now: number): void {
  const due = store.all<Last & object>(
    `WITH looks AS (
       SELECT inbox.lane, inbox.kind, payload, author, runs.state, outcome, ended_at AS ended,
         max(CASE WHEN source_id NOT GLOB '${mark}*' THEN received_at END) OVER (PARTITION BY inbox.lane, inbox.kind) AS since,
         row_number() OVER (PARTITION BY inbox.lane, inbox.kind ORDER BY started_at DESC, runs.rowid DESC) AS place
       FROM runs JOIN inbox ON inbox.id = runs.inbox
       WHERE runs.started_at >= ?1 AND inbox.kind IN ('gate', 'review') AND lower(payload ->> 'repo') = ?2)
     SELECT looks.lane, looks.kind, payload, author, ended FROM looks JOIN lanes ON lanes.key = looks.lane
     WHERE place = 1 AND lanes.run IS NULL AND (outcome = '${waits}' OR state = 'failed' AND looks.kind = 'gate')
       AND ended + max(CASE state WHEN 'failed' THEN ${afterFailure} ELSE ${shortest} END,
         (?3 - coalesce(since, ?1)) / ${slower}) <= ?3`,
    now - oldest,
    repo.toLowerCase(),
    now,
  );
  for (const { lane, kind, payload, author, ended } of due) {
    const last = JSON.parse(payload) as ForgePayload;
    const id = `${mark}${kind}-${repo.toLowerCase().replace("/", ".")}-${last.number}-${ended}`;
    const again: ForgePayload = { ...last, id, createdAt: now };
    receive(store, { source: forgeSource, sourceId: id, lane, kind, author, createdAt: now, payload: again }, now);
  }
}

import type { SecretStore } from "../../secrets/store.ts";
import { auditSchema } from "../dashboard/schemas.ts";
import { type Break, type Head, type Link, Verifier } from "../harness/audit/chain.ts";
import type { Machine } from "../team/model.ts";
import { askDashboard } from "./ask-dashboard.ts";

/** What an agent's audit log turned out to be. */
export interface AuditCheck {
  readonly agent: string;
  readonly entries: number;
  /** The hash of its last entry. */
  readonly head: string;
  /** How many heads the team had been told, and that this was compared with. */
  readonly heads: number;
  readonly breaks: readonly Break[];
  /** Why it could not be read, or not to its end. */
  readonly unreached: string | undefined;
}

const perPage = 1000;
/** A log of many years is read within that, ms; an agent that makes up entries faster than they are read has none that ends. */
const longestMs = 10 * 60_000;
/** Of a log that is wrong from end to end, its first breaks say enough. */
const mostBreaks = 100;

/** Reads an agent's log in pages, oldest first, for as long as `each` wants more; gives in words why it could not go on. */
export async function readAudit(
  machine: Machine,
  secrets: SecretStore,
  signal: AbortSignal,
  each: (link: Link) => boolean,
  port?: number,
): Promise<string | undefined> {
  const began = performance.now();
  for (let after = 0; ; ) {
    const path = `/api/audit?after=${after}&count=${perPage}`;
    const { answer, unreached } = await askDashboard(machine, secrets, path, auditSchema, signal, port);
    if (unreached !== undefined) return unreached;
    if (!answer.links.every(each)) return undefined;
    const last = answer.links.at(-1);
    // Numbers that do not grow are a broken log, or an agent that lies: either way there is no next page.
    if (last === undefined || answer.links.length < perPage || last.seq <= after) return undefined;
    if (performance.now() - began > longestMs) return `its log did not end within ${longestMs / 60_000} minutes`;
    after = last.seq;
  }
}

/** Checks an agent's log link by link against itself and against the heads that the team was told. */
export async function verifyAudit(
  machine: Machine,
  secrets: SecretStore,
  heads: readonly Head[],
  signal: AbortSignal,
  port?: number,
): Promise<AuditCheck> {
  const verifier = new Verifier(heads);
  const { breaks } = verifier;
  const add = (link: Link): boolean => {
    verifier.add(link);
    return breaks.length < mostBreaks;
  };
  const unreached = await readAudit(machine, secrets, signal, add, port);
  if (unreached !== undefined) {
    return { agent: machine.name, entries: 0, head: "", heads: heads.length, breaks, unreached };
  }
  const end = verifier.end();
  return { agent: machine.name, ...end, heads: heads.length, breaks, unreached };
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Secret } from "../base/secret.ts";
import { revertScript } from "./access.ts";
import type { Blob, Upload } from "./change.ts";
import type { Claims, ResetPlan } from "./journal.ts";
import { journalFolder, journalVersion, runFolder } from "./places.ts";
import { entriesOf, type HostPlan, type PlannedStep } from "./plan.ts";
import { quote, quoteAll } from "./quote.ts";
import { backupPath, backupScript, describeUndo, undoScript } from "./undo.ts";

/** Who applies what, for the lock's record on the host. */
export interface RunInfo {
  /** Random, 12 hex digits; names the run's unit and folder. */
  readonly run: string;
  readonly who: string;
  readonly what: string;
  /** Of the facts that the plan was made from. */
  readonly generation: string;
  /** Seconds since 1970 by the host's clock. */
  readonly epoch: number;
  /** Changes that are planned, for the host's history. */
  readonly changes?: number;
  /** Seconds to step the host's clock by, before anything else. */
  readonly stepClock?: number;
}

/** Everything that goes to the host for one apply. */
export interface Bundle {
  readonly script: string;
  /** Small files in the run's folder, in memory on the host, gone when the run ends. */
  readonly files: readonly { readonly path: string; readonly content: string | Secret }[];
  /** Content by hash. */
  readonly blobs: ReadonlyMap<string, Blob>;
  /** Files that the small ones become on its disks. */
  readonly written: readonly { readonly to: string; readonly bytes: number }[];
}

/** The first word of each frame that a run prints. */
export function markerOf(run: string): string {
  return `olympus-${run}`;
}

/** One blob's content hash, once known; written before the steps. */
export type BlobSums = ReadonlyMap<string, string>;

/** The setup of a host as one script with its files. Pure. */
export function compileSetup(plan: HostPlan, info: RunInfo): (sums: BlobSums) => Bundle {
  const files: { path: string; content: string | Secret }[] = [];
  const blobs = new Map<string, Blob>();
  const written: { to: string; bytes: number }[] = [];
  for (const [at, { change }] of plan.steps.entries()) {
    for (const upload of change.uploads ?? []) {
      if ("blob" in upload) blobs.set(upload.blob, upload);
      else {
        const { content, to } = upload;
        files.push({ path: `f/${at + 1}/${upload.name}`, content });
        const bytes = Buffer.byteLength(typeof content === "string" ? content : content.reveal());
        if (to !== undefined) written.push({ to, bytes });
      }
    }
  }
  for (const [at, { role, guards }] of plan.steps.entries()) {
    if (guards === undefined) continue;
    const steps = guards.map((step) => ({ at: plan.steps.indexOf(step) + 1, step }));
    files.push({ path: `f/${at + 1}/revert.sh`, content: guardScript(info.run, revertScript(role, steps)) });
  }
  return (sums) => ({
    script: compile(
      { ...info, changes: plan.changes },
      [
        ...plan.steps.map((step) => ({
          label: `${step.role}: ${step.change.summary}`,
          body: stepBody(step, sums, info.run),
        })),
        ...(plan.claims.length === 0 ? [] : [{ label: journalStep, body: claimLines(plan.claims).join("\n") }]),
      ],
      { closing: ["trim_journal"], reaches: [...new Set(plan.steps.flatMap(({ change }) => change.reaches ?? []))] },
    ),
    files,
    blobs,
    written,
  });
}

/** The last step: who stands for what from now on. A run that could not note it has failed. */
const journalStep = "journal";

const claimLines = (claims: readonly Claims[]): string[] =>
  claims.map((one) => `claim ${quote(one.role)} ${quote(JSON.stringify(one))}`);

function stepBody(step: PlannedStep, sums: BlobSums, run: string): string {
  const { change, restarts } = step;
  const lines: string[] = step.access === undefined ? [] : ["begun_access"];
  for (const { path, sha256, secret } of change.saves ?? []) {
    const own = `"resource":${JSON.stringify(`path:${path}`)}`;
    lines.push(secret === true ? `keep_secret ${quoteAll([path, sha256, own])}` : `keep_file ${quote(path)} ${sha256}`);
  }
  for (const entry of entriesOf(step, run)) {
    if (entry.undo.do === "packages") lines.push(`keep_packages ${quote(entry.undo.list)}`);
    lines.push(`j ${quote(JSON.stringify(entry))}`);
  }
  for (const unit of restarts) lines.push(`notify ${quote(unit)}`);
  for (const upload of change.uploads ?? []) lines.push(...checkBlob(upload, sums));
  lines.push(change.script);
  return lines.join("\n");
}

function checkBlob(upload: Upload, sums: BlobSums): string[] {
  if (!("blob" in upload)) return [];
  const sum = sums.get(upload.blob);
  return sum === undefined ? [] : [`check_blob ${quote(upload.blob)} ${sum}`];
}

/** What becomes of claims when something was undone. */
export interface ClaimsAfter {
  /** Roles that stand for nothing any more. */
  readonly forget?: readonly string[];
  /** Roles that go on, with what they stand for now; their units learn of what went. */
  readonly write?: readonly Claims[];
}

/** Roles that wish for nothing stand for nothing any more. */
export function claimsAfter(now: readonly Claims[]): ClaimsAfter {
  const [write, empty] = [true, false].map((some) => now.filter(({ claims }) => claims.length > 0 === some));
  return { write: write!, forget: empty!.map(({ role }) => role) };
}

/** The undoing of entries on a host as one script. Pure. The journal is rewritten last: cut off before, it starts again. */
export function compileUndo(plan: ResetPlan, claims: ClaimsAfter, info: RunInfo): Bundle {
  const { forget = [], write = [] } = claims;
  const steps = plan.undo.map((entry) => {
    const told = write.length > 0 || (entry.undo.do === "path" && entry.undo.before.type !== "absent");
    return {
      label: `${entry.role}: ${describeUndo(entry)}`,
      body: [
        ...backupScript(entry),
        undoScript(entry.undo, plan.keepPackages),
        // What goes for good is felt by a unit that runs on without it.
        ...(entry.restarts ?? []).map(
          (unit) =>
            `if ${told ? "have_unit" : "systemctl -q is-active"} ${quote(unit)}; then notify ${quote(unit)}; fi`,
        ),
      ].join("\n"),
    };
  });
  steps.push({
    label: journalStep,
    body: [
      "flush",
      'rewrite_journal "$F"/journal',
      ...forget.map((role) => `unclaim ${quote(role)}`),
      ...claimLines(write),
    ].join("\n"),
  });
  const journal = plan.rest.map((entry) => `${JSON.stringify(entry)}\n`).join("");
  return {
    script: compile(info, steps, {
      backups: plan.undo.flatMap(({ data, undo }) => (data === undefined ? [] : backupPath(undo))),
    }),
    files: [{ path: `f/${steps.length}/journal`, content: journal }],
    blobs: new Map(),
    written: [],
  };
}

/** What is looked at before the first step, by the name that its frame has. */
export const preflights = { clock: "clock", names: "names", backups: "backups" } as const;

let preludeText: string | undefined;

/** The shell functions of this folder, which every script on a host begins with. */
function prelude(): string {
  const folder = import.meta.dirname;
  preludeText ??= readdirSync(folder)
    .filter((name) => name.endsWith(".sh"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  return preludeText;
}

const places = (run: string): string =>
  `M=${markerOf(run)} R=${runFolder}/runs/${run} J=${journalFolder} B=${journalFolder}/blobs`;

/** What a guard runs, in a unit of its own; its one argument is the run's process. */
function guardScript(run: string, body: string): string {
  return [places(run), 'run_pid=$1; exec >>"$R/guard.out" 2>&1', prelude(), body].join("\n");
}

function compile(
  info: RunInfo,
  steps: readonly { readonly label: string; readonly body: string }[],
  around: {
    /** Names of hosts that its steps ask for something. */
    readonly reaches?: readonly string[];
    /** What is copied before it goes. */
    readonly backups?: readonly string[];
    /** What comes after the last step, and may fail. */
    readonly closing?: readonly string[];
  },
): string {
  const { reaches = [], backups = [], closing = [] } = around;
  const { who, what, epoch, run, generation, changes = steps.length, stepClock = 0 } = info;
  const owner = JSON.stringify({ v: journalVersion, who, what, since: epoch, run, changes });
  return [
    places(run),
    'exec >>"$R/out" 2>&1',
    prelude(),
    `begin ${quote(generation)} ${quote(owner)} ${journalVersion}`,
    ...(stepClock === 0 ? [] : [`preflight ${preflights.clock} step_clock ${stepClock}`]),
    ...(reaches.length === 0 ? [] : [`preflight ${preflights.names} names_resolve ${quoteAll(reaches)}`]),
    ...(backups.length === 0 ? [] : [`preflight ${preflights.backups} room_for_backups ${quoteAll(backups)}`]),
    ...steps.map(({ body }, at) => `step_${at + 1}() {\n${body}\n}`),
    ...steps.map(({ label }, at) => `run ${at + 1} ${quote(label)}`),
    ...closing,
    "finish",
    "",
  ].join("\n");
}

import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { markerOf } from "./apply-script.ts";
import { journalFolder } from "./places.ts";
import { quote } from "./quote.ts";
import { noSpace, roomWords } from "./room.ts";
import type { RootShell } from "./root-shell.ts";

/** How a run on a host ended. */
export type RunOutcome =
  | { readonly end: "done"; readonly kept: readonly string[] }
  /** Another run holds the lock. */
  | { readonly end: "locked" }
  /** The host changed between facts and apply: plan again. */
  | { readonly end: "stale" }
  | { readonly end: "failed"; readonly step: string; readonly output: string; readonly kept: readonly string[] }
  /** No new connection came through after a change of who can get in: the host has taken that back. */
  | { readonly end: "reverted"; readonly kept: readonly string[] }
  /** Neither ended nor running: killed (after these seconds, as too long); or the machine restarted, where nothing of it is left in memory. */
  | { readonly end: "died"; readonly step: string; readonly restarted: boolean; readonly seconds?: number };

/** Who is told what a run does. */
export interface RunListener {
  /** A step begins. */
  onStep(label: string): void;
  /** From `guard` on, connections may be cut; with `ask` the run waits for a new one that confirms this role's changes. */
  onAccess(what: "guard" | "ask", role: string): void;
}

/** Starts or joins a run by `script` and reads its frames to the end. Rejects with E-SSH-LOST when the connection is cut; the run goes on. */
export async function runWatcher(
  shell: RootShell,
  host: string,
  script: string,
  run: string,
  told: RunListener,
  signal: AbortSignal,
  sent?: { readonly stream: Readable; readonly bytes: number },
): Promise<RunOutcome> {
  const reader = frameReader(markerOf(run), told);
  // The answer is complete with its end frame; waiting for tail to notice would cost a tenth of a second.
  const enough = new AbortController();
  const onStdout = (chunk: Buffer): void => {
    reader.push(chunk);
    if (reader.ended()) enough.abort(ended);
  };
  try {
    const result = await shell.run(`-c ${quote(script)}`, {
      onStdout,
      signal: AbortSignal.any([enough.signal, signal]),
      ...(sent === undefined ? {} : { stdin: sent.stream }),
    });
    if (result.code !== 0) throw startError(host, result.stderr, sent?.bytes);
  } catch (error) {
    if (error !== ended) throw error;
  }
  return reader.outcome();
}

const ended = new Error("the run ended");

/** Before the number of KiB that are free where files arrive, when they did not fit. */
export const freeMark = "olympus-free";

function startError(host: string, stderr: string, bytes = 0): OlympusError {
  const full = noSpace.test(stderr);
  // What is small goes to memory: of that the disk says nothing.
  const [, free] = (/^tar: b\//m.test(stderr) && new RegExp(`^${freeMark} (\\d+)$`, "m").exec(stderr)) || [];
  const have = Number(free) * 1024;
  // With more free than needed, inodes ran out: such numbers would only mislead.
  const numbers = have < bytes ? ` to ${journalFolder}: ${roomWords(bytes, have)}` : "";
  return new OlympusError(
    full
      ? `${host}: no space left while files were sent${numbers}.`
      : `${host}: the run could not be started: ${stderr.replace(new RegExp(`^${freeMark} .*$`, "m"), "").trim()}`,
    {
      code: full ? "E-ROLE-SPACE" : "E-ROLE-FACTS",
      exit: exitCodes.failed,
      where: host,
      hint: "Nothing was changed. Mend it, then run the same command again.",
    },
  );
}

function frameReader(marker: string, { onStep, onAccess }: RunListener) {
  // A letter of several bytes may come in two pieces.
  const decoder = new StringDecoder("utf8");
  let buffered = "";
  let step = "";
  let output: string[] = [];
  let outcome: RunOutcome | undefined;
  let gone = false;
  let late: { seconds?: number } = {};
  const kept: string[] = [];

  const onLine = (line: string): void => {
    if (!line.startsWith(`${marker} `)) {
      output.push(line);
      return;
    }
    const [, frame = "", rest = ""] = /^\S+ (\S+) ?(.*)$/.exec(line) ?? [];
    if (frame === "begin") {
      step = rest.replace(/^\d+ /, "");
      output = [];
      onStep(step);
    } else if (frame === "kept") kept.push(rest);
    else if (frame === "wait") onStep(rest);
    else if (frame === "gone") gone = true;
    else if (frame === "late") late = { seconds: Number(rest) };
    else if (frame === "guard" || frame === "ask") onAccess(frame, rest);
    else if (frame === "end") {
      if (rest === "0") outcome = { end: "done", kept };
      else if (rest === "75") outcome = { end: "locked" };
      else if (rest === "76") outcome = { end: "stale" };
      else if (rest === "77") outcome = { end: "reverted", kept };
      else outcome = { end: "failed", step, output: output.join("\n").trim(), kept };
    }
  };

  return {
    push(chunk: Buffer): void {
      buffered += decoder.write(chunk);
      const lines = buffered.split("\n");
      buffered = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    },
    ended: () => outcome !== undefined,
    outcome: (): RunOutcome => outcome ?? { end: "died", step, restarted: gone, ...late },
  };
}

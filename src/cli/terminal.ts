import type { OlympusError } from "../base/errors.ts";
import type { ReportEvent, Reporter } from "../base/report.ts";

/** How long something took: `0:24`, `12:05`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A line for a person about an error: cause first, place, next step. */
export function formatError(error: OlympusError): string {
  const where = error.where === undefined ? "" : `${error.where}  `;
  if (error.excerpt !== undefined) {
    const lines = `${error.excerpt} ${error.hint ?? ""}`.replaceAll("\n", "\n  ").trimEnd();
    return `  ${where}${error.message}  (${error.code})\n  ${lines}`;
  }
  const hint = error.hint === undefined ? "" : `\n  do   ${error.hint.replaceAll("\n", "\n       ")}`;
  return `${where}${error.message}  (${error.code})${hint}`;
}

/** The reporter of a terminal or a pipe: people's lines on stderr, data on stdout, no control characters off a terminal. */
export function createReporter({ json }: { json: boolean }): Reporter & { error(error: OlympusError): void } {
  const live = process.stderr.isTTY === true && process.env.TERM !== "dumb" && !json;
  const started = Date.now();
  const line = (text: string): void => void process.stderr.write(`${text}\n`);
  const stamp = (): string => (live ? "" : `[${formatElapsed(Date.now() - started)}] `);
  const emit = (event: ReportEvent): void => void process.stdout.write(`${JSON.stringify({ v: 1, ...event })}\n`);

  return {
    info: line,
    warn: (text) => line(`warning: ${text}`),
    error: (error) => line(formatError(error)),
    event: (event) => {
      if (json) emit(event);
    },
    result: (text, data) => {
      if (json) emit(data);
      else process.stdout.write(`${text}\n`);
    },
    step(label) {
      const begun = Date.now();
      let detail = "";
      const show = (): void => {
        const text = `${label}  ${formatElapsed(Date.now() - begun)}  ${detail}`;
        if (live) process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
        else line(`${stamp()}${text}`);
      };
      const timer = setInterval(show, live ? 1_000 : 30_000);
      timer.unref();
      show();
      const end = (mark: string, summary: string): void => {
        clearInterval(timer);
        if (live) process.stderr.write("\r\u001b[2K");
        line(`${stamp()}${label}  ${formatElapsed(Date.now() - begun)}  ${mark}${summary}`);
        emitStep(label, mark === "" ? "done" : "failed", summary, Date.now() - begun);
      };
      return {
        update(text) {
          detail = text;
          if (live) show();
        },
        done: (summary) => end("", summary),
        fail: (summary) => end("FAILED  ", summary),
      };
    },
  };

  function emitStep(label: string, state: string, summary: string, ms: number): void {
    if (json) emit({ type: "step", label, state, summary, elapsed_ms: ms });
  }
}

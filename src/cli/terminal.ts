import type { OlympusError } from "../base/errors.ts";
import { readable } from "../base/readable.ts";
import { type ReportEvent, type Reporter, stepDepth } from "../base/report.ts";

/** How long something took: `0:24`, `12:05`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A line for a person about an error: cause first, place, next step. */
export function formatError(error: OlympusError, step = error.hint): string {
  // Many messages begin with the host that they are about; saying it twice helps nobody.
  const said = error.where === undefined || error.message.startsWith(error.where);
  const where = said ? "" : `${error.where}  `;
  if (error.excerpt !== undefined) {
    const hint = (step ?? "").replaceAll("\n", "\n         ");
    return `  ${where}${error.message}  (${error.code})\n  ${error.excerpt.replaceAll("\n", "\n  ")} ${hint}`.trimEnd();
  }
  const hint = step === undefined ? "" : `\n  do   ${step.replaceAll("\n", "\n       ")}`;
  return `${where}${error.message}  (${error.code})${hint}`;
}

/** Off a terminal somebody wonders after so long whether anything goes on. */
const quietMs = 30_000;

interface OpenStep {
  readonly depth: number;
  show(): void;
}

/**
 * The reporter of a terminal or a pipe: people's lines on stderr, data on stdout, no control characters off a terminal, and nobody else's
 * on one: what hosts, programs and people in the chat say is shown, and does nothing.
 * On a terminal one line moves, that of the step begun last, with its rows; elsewhere a step prints a line when it starts, when it ends, and
 * every 30 s in which nothing else was printed: of many that work side by side one says that it goes on.
 * A step within another prints only its end: that it started is what the other one is about.
 */
export function createReporter({
  json,
}: {
  json: boolean;
}): Reporter & { error(error: OlympusError, step?: string): void } {
  const live = process.stderr.isTTY === true && process.env.TERM !== "dumb" && !json;
  const started = Date.now();
  const open: OpenStep[] = [];
  /** Lines that move, as they stand on the terminal. */
  let drawn = 0;
  let printedAt = 0;
  const print = (text: string): void => {
    printedAt = Date.now();
    process.stderr.write(`${text}\n`);
  };
  const clear = (): void => {
    if (drawn > 0) process.stderr.write(`\r\u001b[2K${"\u001b[1A\u001b[2K".repeat(drawn - 1)}`);
    drawn = 0;
  };
  const draw = (lines: readonly string[]): void => {
    const width = (process.stderr.columns ?? 80) - 1;
    clear();
    process.stderr.write(lines.map((one) => readable(one).replaceAll("\n", " ").slice(0, width)).join("\n"));
    drawn = lines.length;
  };
  const line = (text: string): void => {
    clear();
    print(readable(text));
    if (live) open.at(-1)?.show();
  };
  const stamp = (): string => (live ? "" : `[${formatElapsed(Date.now() - started)}] `);
  const emit = (event: ReportEvent): void => void process.stdout.write(`${JSON.stringify({ v: 1, ...event })}\n`);

  return {
    info: line,
    warn: (text) => line(`warning: ${text}`),
    error: (error, step) => line(formatError(error, step)),
    event: (event) => {
      if (json) emit(event);
    },
    result: (text, data) => {
      if (json) emit(data);
      else if (text !== "") process.stdout.write(`${readable(text)}\n`);
    },
    step(label) {
      const begun = Date.now();
      const depth = stepDepth();
      let detail = "";
      let rows: readonly string[] = [];
      const text = (tail: string): string =>
        `${"  ".repeat(depth)}${label}  ${formatElapsed(Date.now() - begun)}  ${tail}`.trimEnd();
      const self: OpenStep = {
        depth,
        show() {
          if (!live) {
            // Those within tell more of what is going on.
            if (!open.some((other) => other.depth > depth)) print(`${stamp()}${readable(text(detail))}`);
          } else if (open.at(-1) === self) {
            const room = Math.max(1, (process.stderr.rows ?? 24) - 3);
            const more = rows.length > room ? [`  and ${rows.length - room} more`] : [];
            draw([text(detail), ...rows.slice(0, room), ...more]);
          }
        },
      };
      open.push(self);
      if (live || depth === 0) self.show();
      const timer = setInterval(
        () => {
          if (live || Date.now() - printedAt >= quietMs - 1_000) self.show();
        },
        live ? 1_000 : quietMs,
      );
      timer.unref();
      const end = (state: "done" | "failed" | "interrupted", summary: string): void => {
        clearInterval(timer);
        clear();
        open.splice(open.indexOf(self), 1);
        line(`${stamp()}${text(state === "failed" ? `FAILED  ${summary}` : summary)}`);
        if (json) emit({ type: "step", label: label.trim(), state, summary, elapsed_ms: Date.now() - begun });
      };
      return {
        update(now, beneath = []) {
          detail = now;
          rows = beneath;
          if (live) self.show();
        },
        done: (summary) => end("done", summary),
        fail: (summary) => end("failed", summary),
        interrupt: () => end("interrupted", "interrupted"),
      };
    },
  };
}

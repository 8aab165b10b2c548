import { html } from "../../base/markup.ts";
import type { LogLevel } from "../../harness/log.ts";
import { moment } from "../format.ts";
import { logLevels } from "../kept-log.ts";
import { empty, type Frame, layout, part, table } from "../layout.ts";
import type { Look } from "../look.ts";
import { fitting } from "./parts.ts";
import { select } from "./runs.ts";

const mostLines = 60;

/** The newest lines, the newest first. */
export function logPage(frame: Frame, look: Look, level: LogLevel, text: string): string {
  const lines = look.log(level, text, mostLines).reverse();
  const shown = logLevels.filter((one) => one !== "debug");
  return layout(
    frame,
    "/log",
    "Log",
    [
      html`<form class="filter" method="get" action="/log" role="search">
<p><label for="text">Words in it</label><input id="text" name="text" type="search" maxlength="200" value="${text}"></p>
${select(
  "level",
  "From level",
  shown.map((one) => [one, one] as const),
  level,
  "",
)}<p><button>Show</button></p></form>`,
      part(
        "lines",
        lines.length === 0
          ? empty(
              text === "" && level === "info"
                ? "Nothing since the harness started."
                : html`No line fits. <a href="/log">Show all</a>`,
            )
          : table(
              "Log, newest first",
              ["At", "Level", "What"],
              fitting(
                lines,
                (line) =>
                  html`<tr><td>${moment(line.at, look.config.timezone)}</td><td class="${{ error: "bad", warn: "warn", info: "", debug: "soft" }[line.level]}">${line.level}</td><td class="text">${line.message}${line.fields !== "" && html`<br><code class="soft">${line.fields}</code>`}</td></tr>`,
              ),
            ),
      ),
      html`<p class="soft">The newest of what this process kept; all of it: <code>npx olympus logs ${frame.agent} --follow</code></p>`,
    ],
    "run log",
  );
}

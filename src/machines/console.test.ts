import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { lastConsoleLines } from "./console.ts";

it("shows the last readable lines of a console", () => {
  const folder = mkdtempSync(join(tmpdir(), "console-"));
  try {
    const file = join(folder, "log");
    writeFileSync(
      file,
      "Connected to domain 'lab.athena'\r\n\u001b[0;32m[  OK  ]\u001b[0m Started ssh.\r\n\r\nathena login: \u0007",
    );
    expect(lastConsoleLines(file)).toEqual(["[  OK  ] Started ssh.", "athena login:"]);
    expect(lastConsoleLines(join(folder, "none"))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

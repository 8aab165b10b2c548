import { expect, test } from "vitest";
import { OlympusError } from "./errors.ts";
import { grantLine, grantOf, readGrants } from "./grants.ts";

const ours = grantLine("a-token", ["read"]);
const now = Date.parse("2026-11-21T12:00:00Z");

test("a file of tokens is what was written: lines of hashes, and empty ones", () => {
  const grants = readGrants(`${ours}\n\n${grantLine("another", ["read", "act"], "2026-11-20", "mara")}\n`, "tokens");
  expect(grantOf(grants, "a-token", now)).toMatchObject({ scopes: ["read"], until: undefined });
  expect(grantOf(grants, "another", now - 24 * 3600_000)).toMatchObject({ scopes: ["read", "act"], person: "mara" });
  expect(grantOf(grants, "another", now)).toBeUndefined();
});

test.each(["a-bare-token", "# for grafana", `x${ours}`, "SHA256:abc read"])(
  "%s is no token: the file is refused by its line, and the words of it stay unsaid",
  (line) => {
    const read = () => readGrants(`${ours}\n${line}\n`, "dashboard-token");
    expect(read).toThrow(OlympusError);
    try {
      read();
    } catch (error) {
      expect(error).toMatchObject({ code: "E-AGENT-SECRET", where: "dashboard-token:2" });
      const { message, where, hint } = error as OlympusError;
      expect([message, where, hint].join(" ")).not.toContain(line);
    }
  },
);

test.each([`sha256:abc read`, ours.replace(" read", ""), `${ours} tomorrow`, `${ours} 2026-13-45`])(
  "%s names a hash, is not understood, and lets nobody in",
  (line) => {
    expect(readGrants(line, "tokens")).toEqual([]);
  },
);

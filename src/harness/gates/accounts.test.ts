import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { openStore, type Store } from "../store/open.ts";
import { forgetAccounts, knownPerson } from "./accounts.ts";

const withPeople = (...logins: string[]) =>
  agentConfig({
    forge: {
      api: "http://forge",
      login: "athena-bot",
      tokenFile: "t",
      keyFile: "t",
      name: "x",
      email: "x@x.example",
      people: logins.map((login) => ({ login, name: "mara", command: true, approve: ["merge"] })),
      repositories: [{ name: "olympus/app" }],
    },
  });
const config = withPeople("Mara-GH");
const first = { login: "mara-gh", id: 7, bot: false };
const second = { ...first, id: 8 };

let dir: string;
let store: Store;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-accounts-"));
  store = openStore(dir);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

test("a login stands for the account that had it first; who registers it afterwards is nobody", () => {
  expect(knownPerson({ config, store }, first)).toMatchObject({ name: "mara" });
  expect(knownPerson({ config, store }, second)).toContain(
    "another account of the forge (8) than the one I know as mara (7)",
  );
  expect(knownPerson({ config, store }, { ...first, login: "MARA-gh" })).toMatchObject({ name: "mara" });
  expect(knownPerson({ config, store }, { ...first, login: "stranger" })).toBeUndefined();
});

test("a start with the login keeps its account, one without it forgets it", () => {
  knownPerson({ config, store }, first);
  forgetAccounts(config, store);
  expect(knownPerson({ config, store }, second)).toContain("take `github` out of people.mara");
  forgetAccounts(withPeople("another"), store);
  expect(knownPerson({ config, store }, second)).toMatchObject({ name: "mara" });
});

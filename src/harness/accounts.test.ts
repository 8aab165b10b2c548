import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { forgetAccounts } from "./accounts.ts";
import { knownPerson } from "./gates/people.ts";
import { openStore, type Store } from "./store/open.ts";
import { isNamed, mayCommand } from "./trust.ts";

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
      agents: [{ login: "apollo-bot", name: "apollo" }],
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
  forgetAccounts(config.forge!, store);
  expect(knownPerson({ config, store }, second)).toContain("take `github` out of people.mara");
  forgetAccounts(withPeople("another").forge!, store);
  expect(knownPerson({ config, store }, second)).toMatchObject({ name: "mara" });
});

test("nor does a login that somebody registered again start work, a person's or an agent's", () => {
  const may = (login: string, id: number) => mayCommand({ forge: config.forge, store }, { login, id, bot: false });
  expect([may("mara-gh", 7), may("apollo-bot", 9), may("stranger", 10)]).toEqual([true, true, false]);
  expect([may("mara-gh", 8), may("apollo-bot", 8), may("Mara-GH", 7)]).toEqual([false, false, true]);
  expect(isNamed({ forge: config.forge }, second)).toBe(true);
});

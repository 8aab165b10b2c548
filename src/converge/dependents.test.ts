import { expect, it } from "vitest";
import { projectCatalogue } from "./catalogue.ts";
import { checkDependents } from "./dependents.ts";

const catalogue = projectCatalogue();
const check = (present: readonly string[], roles?: readonly string[], purge: readonly string[] = []) =>
  checkDependents("agora", { present }, { roles, purge }, catalogue).then(
    () => undefined,
    (error: unknown) => error,
  );

it("names every role that needs one of those to be reset, and what needs it in turn, in one command that is let through", async () => {
  // What needs forge or node stands before node itself: one look through the list does not find all that need base.
  const present = ["forge", "rehearsal", "backup", "node", "base", "hardening", "gone-from-the-catalogue"];
  expect(await check(present, ["node"])).toMatchObject({
    code: "E-ROLE-REQUIRES",
    exit: 1,
    where: "agora",
    message: "Still set up there: forge (needs node), rehearsal (needs node).",
    hint: "Reset them together: npx olympus role reset node forge rehearsal --host agora",
  });
  expect(await check(present, ["node", "forge", "rehearsal"])).toBeUndefined();
  expect(await check(present, ["forge", "node"], ["state"])).toMatchObject({
    hint: "Reset them together: npx olympus role reset forge node rehearsal --host agora --purge state",
  });
  const base = await check(present, ["base"]);
  expect(base).toMatchObject({
    hint: "Reset them together: npx olympus role reset base backup node forge rehearsal --host agora",
  });
  expect(await check(present, ["base", "backup", "node", "forge", "rehearsal"])).toBeUndefined();
});

it("lets a reset of everything through, and of what nothing there needs", async () => {
  const present = ["base", "node", "forge"];
  expect(await check(present)).toBeUndefined();
  expect(await check(present, ["forge"])).toBeUndefined();
  expect(await check(["base", "node"], ["node"])).toBeUndefined();
});

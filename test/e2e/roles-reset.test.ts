import { afterAll, beforeAll, test } from "vitest";
import { printedSeed, provenAlone, resetProperty } from "../support/reset-property.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

// One role of the catalogue a run, by the seed; all of them: scripts/test long.
let lab: RoleLab;
const seed = printedSeed();
const role = provenAlone[seed % provenAlone.length]!;

beforeAll(async () => {
  lab = await openRoleLab(2);
});
afterAll(async () => lab.close());

test(`setup and reset of ${role} leave the machine as before, also when setup was killed`, async () => {
  await resetProperty(lab, role, seed);
});

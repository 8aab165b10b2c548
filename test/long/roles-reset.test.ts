import { afterEach, beforeEach, test } from "vitest";
import { printedSeed, provenAlone, resetProperty } from "../support/reset-property.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
const seed = printedSeed();

beforeEach(async () => {
  lab = await openRoleLab(2);
}, 600_000);
afterEach(async () => lab.close());

test.each(provenAlone)(
  "setup and reset of %s leave the machine as before, also when setup was killed",
  async (role) => {
    await resetProperty(lab, role, seed);
  },
);

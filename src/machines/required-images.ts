import { existsSync } from "node:fs";
import { OlympusError } from "../base/errors.ts";
import type { MachineSpec } from "./spec.ts";
import type { StateResource } from "./state.ts";

/**
 * For a plain `pulumi`, which makes no images: throws E-IMAGE-MISSING where one is to be uploaded that is not on this computer. One that the
 * state holds is on the hypervisor.
 */
export function requireImages(
  hypervisor: string,
  specs: readonly Pick<MachineSpec, "machine" | "base">[],
  state: readonly StateResource[],
): void {
  const missing = specs.find(({ base }) => !state.some(({ name }) => name === base.volume) && !existsSync(base.file));
  if (missing === undefined) return;
  const { machine, base } = missing;
  throw new OlympusError(`the image ${base.image} of ${machine.name} has not been made on this computer`, {
    code: "E-IMAGE-MISSING",
    where: base.file,
    hint: `Nothing was changed. This makes it, and changes no machine: npx olympus preview ${hypervisor}\nThen the same pulumi command again; or npx olympus up ${hypervisor}, which does both.`,
  });
}

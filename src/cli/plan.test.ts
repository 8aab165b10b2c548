import { join } from "node:path";
import { expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { loadTeam } from "../team/load.ts";
import { planOf } from "../team/plan.ts";
import { planText } from "./plan.ts";

const team = await loadTeam(join(projectRoot, "team.yaml"));

it("the seed's team as a person sees it", () => {
  expect(planText(planOf(team), false)).toBe(
    `
hypervisor  VMs    memory GB             disk GB                   vCPU           +light      +medium     +heavy
r420        1      8 of 32         25 %  250 of 836          30 %  4 of 48        2 (memory)  1 (memory)  0 (memory)
r8202       1      16 of 64        25 %  250 of 851          29 %  4 of 64        2 (disk)    2 (memory)  1 (memory)
r710        2      32 of 64        50 %  500 of 852          59 %  8 of 64        1 (disk)    1 (memory)  0 (memory)
r720xd      1 + 1  16 + 8 of 128   19 %  250 + 100 of 852    41 %  4 + 4 of 96    1 (disk)    1 (disk)    1 (disk)
r820        3      48 of 128       38 %  750 of 851          88 %  12 of 128      0 (disk)    0 (disk)    0 (disk)
together    8 + 1  120 + 8 of 416  31 %  2000 + 100 of 4242  50 %  32 + 4 of 400  6           5           2

a + b: agents + services. +light: how many more would fit beside what is there,
and what runs out first.
memory and disk are shown of what the hardware has, vCPU of what policy allows;
the host's reserve is kept when counting what fits.

          VMs  memory               disk                   vCPU
agents      8  120 of 416 GB  29 %  2000 of 4242 GB  47 %    32
services    1  8 of 416 GB     2 %  100 of 4242 GB    2 %     4
together    9  128 of 416 GB  31 %  2100 of 4242 GB  50 %    36`.trimStart(),
  );
});

it("one hypervisor with its machines", () => {
  expect(planText(planOf(team, ["r720xd"]), true)).toMatch(
    /machine {2}kind {5}on {6}memory GB {2}disk GB {2}vCPU\nperseus {2}agent .* 16 +250 +4\nagora {4}service .* 8 +100 +4$/,
  );
});

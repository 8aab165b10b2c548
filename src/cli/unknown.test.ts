import { join } from "node:path";
import { expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { findPlace } from "../bootstrap/place.ts";
import { projectCatalogue } from "../converge/catalogue.ts";
import { chooseMachines } from "../machines/choose.ts";
import { findHost, findMachine } from "../machines/find.ts";
import { checkHypervisors } from "../machines/report.ts";
import { listHosts } from "../team/hosts.ts";
import { loadTeam } from "../team/load.ts";
import { chooseHosts } from "./role-hosts.ts";

const team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));

it.each<[string, string, () => unknown]>([
  ['machine or hypervisor "athen"', "athena", () => findHost(team, "athen")],
  ['machine "athen"', "athena", () => findMachine(team, "athen")],
  ['hypervisor "r421"', "r420", () => checkHypervisors(team, ["r421"])],
  ['machine or hypervisor "agro"', "agora", () => chooseMachines(team, ["agro"], false)],
  ['host "athen"', "athena", () => chooseHosts(listHosts(team), { host: "athen" }, "check")],
  ['role "postgres"', "postgresql", () => projectCatalogue().load("postgres")],
  ['agent "athina"', "athena", () => findPlace(team, "athina")],
  ['person "mar"', "mara", () => findPlace(team, "athena", "mar")],
])("unknown %s: one code, exit 1, what is known and the nearest of it", async (what, nearest, find) => {
  await expect(async () => find()).rejects.toMatchObject({
    code: "E-UNKNOWN",
    exit: 1,
    message: `unknown ${what}`,
    hint: expect.stringMatching(new RegExp(`known: .*${nearest}.*Did you mean ${nearest}\\?`)),
  });
});

it("says of a name that is known as something else what it is", () => {
  expect(() => findMachine(team, "r420")).toThrow(
    expect.objectContaining({ hint: expect.stringMatching(/^r420 is a hypervisor\.\n/) }),
  );
  expect(() => checkHypervisors(team, ["athena"])).toThrow(
    expect.objectContaining({ hint: expect.stringMatching(/^athena is a machine on r420\.\n/) }),
  );
});

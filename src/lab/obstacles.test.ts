import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { loadTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import { ownAlias, routeObstacles } from "./links.ts";
import { diskObstacles, labObstacles } from "./obstacles.ts";
import { portObstacles } from "./ports.ts";

const lab = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));

let server: Server | undefined;
afterEach(async () => {
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

async function listening(): Promise<{ port: number; team: LoadedTeam }> {
  server = createServer();
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const publish = { [port]: "10.220.1.20:8065" };
  return { port, team: { ...lab, team: { ...lab.team, lab: { ...lab.team.lab, publish } } } };
}

it("names who holds a port that the lab would publish", async () => {
  const { port, team } = await listening();
  const [found, ...more] = await portObstacles(team, []);
  expect(more).toEqual([]);
  expect(found).toMatchObject({ code: "E-PORT-TAKEN", exit: 1, hint: expect.stringContaining("lab.publish") });
  expect(found?.message).toMatch(
    new RegExp(`^port ${port} on 127\\.0\\.0\\.1 is taken by node .*\\(process ${process.pid}\\)$`),
  );
});

it("does not trip over ports that the lab itself holds", async () => {
  const { team } = await listening();
  expect(await portObstacles(team, [process.pid])).toEqual([]);
});

it("looks at ports also while the lab stands, and then at nothing else", async () => {
  const { team } = await listening();
  const kvm = { ...team, hypervisors: team.hypervisors.map((one) => ({ ...one, accel: "kvm" as const })) };
  expect((await labObstacles(kvm, true)).map(({ code }) => code)).toEqual(["E-PORT-TAKEN"]);
});

it("names a route that leads to the lab's network elsewhere, but not a wider one or the lab's own", () => {
  const links = [
    { ifname: "wg0" },
    { ifname: "olylab0", ifalias: ownAlias() },
    { ifname: "olylab1", ifalias: "olympus-lab:x:/srv/other" },
  ];
  const codes = (dst: string, dev: string): string[] =>
    routeObstacles(lab, [{ dst, dev }], links).map(({ message }) => message);
  expect(codes("10.220.1.0/24", "wg0")).toEqual([
    expect.stringContaining("10.220.1.0/24 is already routed here (wg0)"),
  ]);
  expect(codes("10.220.1.7", "wg0")).toHaveLength(1);
  expect(codes("10.220.1.0/24", "olylab1")).toEqual([expect.stringContaining("the lab in /srv/other is up")]);
  for (const [dst, dev] of [
    ["10.0.0.0/8", "wg0"],
    ["default", "wg0"],
    ["10.220.2.0/24", "wg0"],
    ["10.220.1.0/24", "olylab0"],
  ]) {
    expect(codes(dst!, dev!)).toEqual([]);
  }
});

it("judges the disk of a folder that does not exist yet by the nearest that does", async () => {
  expect(await diskObstacles("/proc/self/nowhere/at/all")).toMatchObject([{ code: "E-LAB-DISK" }]);
});

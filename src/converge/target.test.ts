import { rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { changedTeam, labTeam } from "../../test/support/team.ts";
import { Secret } from "../base/secret.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { targetOf } from "./target.ts";

const { team: lab, secrets, folder } = await labTeam();
afterAll(() => rmSync(folder, { recursive: true }));
for (const { name } of lab.machines) secrets.set(`hosts.${name}.public`, `ssh-ed25519 ${name}`);
const pin = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32)]).toString("base64")}`;

const viaOf = (team: LoadedTeam, name: string) =>
  targetOf(listHosts(team).find((host) => host.name === name)!, team, secrets).via;

describe("a jump host", () => {
  it("is not there unless the team file names one", () => {
    expect(viaOf(lab, "athena")).toBeUndefined();
  });

  it("is the network's for everybody, but a hypervisor's own for that and its machines; nothing is reached through itself", () => {
    const changed = changedTeam(lab, (file) => {
      file.network.jump = { address: "bastion.example.org", user: "jump", port: 2222, hostKey: pin };
      file.hypervisors.r420!.jump = { address: "10.220.1.7", user: "olympus", port: 22, hostKey: pin };
    });
    const team = { ...changed, hypervisors: lab.hypervisors.map((one) => ({ ...one, hostKey: pin })) };
    expect(viaOf(team, "agora")).toMatchObject({
      name: "the jump host bastion.example.org",
      address: "bastion.example.org",
      port: 2222,
      user: "jump",
      hostKey: pin,
    });
    expect(viaOf(team, "agora")?.privateKey).toBeInstanceOf(Secret);
    expect(viaOf(team, "athena")?.address).toBe("10.220.1.7");
    expect(viaOf(team, "r420")).toBeUndefined();
  });
});

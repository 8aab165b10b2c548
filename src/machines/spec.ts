import { renderSeed } from "../../cloud-init/seed.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { imageIdentity, imagePath } from "../images/index.ts";
import type { LoadedTeam, Machine, NamedHypervisor } from "../team/model.ts";
import { baseVolume, generationOf, type MachineNames, namesOf } from "./names.ts";

/** Everything about one VM that its stack needs, derived from team file and secrets alone. */
export interface MachineSpec {
  readonly machine: Machine;
  readonly names: MachineNames;
  readonly generation: string;
  readonly seed: { readonly hash: string; readonly image: Buffer };
  readonly base: BaseSpec;
}

export interface BaseSpec {
  readonly image: string;
  readonly identity: string;
  /** Name of its volume in the pool. */
  readonly volume: string;
  /** File on this computer that is uploaded. */
  readonly file: string;
}

/** The VMs of one hypervisor, in the order of the team file. Pure but for reading the recipe's files. */
export function machineSpecs(team: LoadedTeam, secrets: SecretStore, hypervisor: string): MachineSpec[] {
  return team.machines
    .filter((machine) => machine.hypervisor === hypervisor)
    .map((machine) => {
      const identity = imageIdentity(machine.image) ?? "unknown";
      const generation = generationOf(machine, identity);
      const { network } = team.team;
      const seed = renderSeed({
        team: team.name,
        machine: machine.name,
        domain: network.domain,
        hostKey: {
          private: secrets.require(`hosts.${machine.name}.private`),
          public: secrets.require(`hosts.${machine.name}.public`).reveal(),
        },
        deployKey: secrets.require("ssh.deploy.public").reveal(),
        packages: network.packages.debian,
        generation,
        mac: machine.mac,
        address: machine.address,
        cidr: network.cidr,
        gateway: network.gateway,
        resolvers: network.resolvers,
      });
      return {
        machine,
        names: namesOf(team.name, machine.name, generation, seed.hash),
        generation,
        seed,
        base: {
          image: machine.image,
          identity,
          volume: baseVolume(team.name, machine.image, identity),
          file: imagePath(identity),
        },
      };
    });
}

/** The hypervisor of that name in the team file, or undefined. */
export function findHypervisor(team: LoadedTeam, name: string): NamedHypervisor | undefined {
  return team.hypervisors.find((hypervisor) => hypervisor.name === name);
}

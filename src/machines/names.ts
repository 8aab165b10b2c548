import { createHash } from "node:crypto";
import type { Machine } from "../team/model.ts";

/**
 * Everything of a team on a hypervisor begins with this, so that nothing of anybody else is ever touched. Names hold no
 * dot, so no team's prefix is the beginning of another's.
 */
export function teamPrefix(team: string): string {
  return `${team}.`;
}

/** What a root disk is made from, in 8 hex digits: image and rebuild counter. A new value makes a new root disk. */
export function generationOf(machine: Machine, imageIdentity: string): string {
  return createHash("sha256").update(`${imageIdentity}/${machine.generation}`).digest("hex").slice(0, 8);
}

export interface MachineNames {
  readonly domain: string;
  readonly root: string;
  readonly seed: string;
  readonly data: string;
}

/** Names of a machine's domain and volumes. Only the data disk keeps its name for ever. */
export function namesOf(team: string, machine: string, generation: string, seed: string): MachineNames {
  const stem = `${teamPrefix(team)}${machine}`;
  return {
    domain: stem,
    root: `${stem}.root.${generation}.qcow2`,
    seed: `${stem}.seed.${seed}.iso`,
    data: dataVolume(team, machine),
  };
}

export function dataVolume(team: string, machine: string): string {
  return `${teamPrefix(team)}${machine}.data.qcow2`;
}

/** Name of an image in a team's pool. Two teams on one hypervisor never share it: each may build different bytes. */
export function baseVolume(team: string, image: string, identity: string): string {
  return `${teamPrefix(team)}image.${image}.${identity}.qcow2`;
}

/** Whether a volume may be made again from team file and image: everything of ours but data disks. */
export function isDisposable(team: string, volume: string): boolean {
  const prefix = teamPrefix(team);
  if (!volume.startsWith(prefix)) return false;
  // Machines have names without a dot, and one may be called "image": its data disk is no image.
  return /^(?:[^.]+\.(?:root\.[0-9a-f]+\.qcow2|seed\.[0-9a-f]+\.iso)|image\..+\.[^.]+\.qcow2)$/.test(
    volume.slice(prefix.length),
  );
}

/** Text in a domain that says whose it is: team, machine, and the state that made it. */
export function ownerMark(team: string, machine: string, owner: string): string {
  return `olympus team=${team} machine=${machine} state=${owner}`;
}

/** The owner in such a text, or undefined when the domain is not ours. */
export function ownerIn(description: string): string | undefined {
  return /^olympus team=\S+ machine=\S+ state=(\S+)/.exec(description)?.[1];
}

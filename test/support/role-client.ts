import { Secret } from "../../src/base/secret.ts";
import { createHostRun } from "../../src/converge/host-run.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import type { SshTarget } from "../../src/ssh/connection.ts";

// A client of the role engine as a process of its own, to be killed in the middle. Prints each step.
const { privateKey, ...target } = JSON.parse(process.env.ROLE_TARGET!) as Omit<SshTarget, "privateKey"> & {
  privateKey: string;
};
const operations = JSON.parse(process.env.ROLE_OPERATIONS!) as Operation[];
const run = createHostRun({
  host: target.name,
  connect: () => connectSsh({ ...target, privateKey: new Secret("ssh.deploy.private", privateKey) }),
  who: process.env.ROLE_WHO!,
  what: "role setup probe",
  signal: new AbortController().signal,
  onStep: (label) => void process.stdout.write(`${label}\n`),
});
const prepared = await run.prepareSetup([{ role: "probe", operations }]);
await prepared.perform();
run.close();

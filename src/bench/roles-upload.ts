import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { mattermostServer } from "../../roles/mattermost/server.ts";
import { OlympusError } from "../base/errors.ts";
import { type Bundle, markerOf } from "../converge/apply-script.ts";
import { blobFile } from "../converge/blobs.ts";
import { noFacts } from "../converge/facts.ts";
import type { LocalFile } from "../converge/operations.ts";
import { createSession } from "../converge/session.ts";
import { connectSsh } from "../ssh/connect.ts";
import { type BenchOptions, type Figure, median } from "./bench.ts";
import { loadNote, othersWork } from "./load.ts";
import type { RolesLab } from "./roles-lab.ts";
import { seconds } from "./roles-tools.ts";

const quiet = { onStep: () => undefined, onAccess: () => undefined };

/**
 * Bytes per second of a large blob as an apply sends it, over those of OpenSSH's `cat >`. For both the time of the same thing with
 * one byte is taken off: connecting, starting and noticing the end.
 */
export async function uploadFigure(
  lab: RolesLab,
  rounds: number,
  { reporter, signal }: BenchOptions,
): Promise<Record<string, Figure>> {
  const step = reporter.step("upload");
  const machine = await lab.fresh();
  const { file: large, what } = await tarball(lab);
  const small = await fileOf(lab, "small", 1);
  await writeFile(join(lab.folder, "known_hosts"), `${machine.address} ${machine.hostKey}\n`);
  const target = {
    name: machine.name,
    address: machine.address,
    port: 22,
    user: "agent",
    hostKey: machine.hostKey,
    pinnedIn: "bench",
    privateKey: lab.secrets.require("ssh.deploy.private"),
  };
  const connection = await connectSsh(target, signal);
  const clear = (): Promise<unknown> =>
    connection.exec("sudo -n sh -c 'rm -rf /var/lib/olympus/journal/blobs; sync'; rm -f /home/agent/sent");
  const session = createSession(connection, signal);
  const ours = async (file: LocalFile): Promise<number> => {
    await clear();
    const run = randomBytes(6).toString("hex");
    return seconds(async () => {
      const bundle = (): Bundle => ({
        script: `exec >>/run/olympus/runs/${run}/out; echo ${markerOf(run)} end 0\n`,
        files: [],
        blobs: new Map([[file.sha256, { source: file, to: "/srv" }]]),
        written: [],
      });
      const { end } = await session.apply(run, bundle, noFacts, quiet);
      if (end !== "done") throw new OlympusError(`the upload ended as ${end}`, { code: "E-BUG" });
    });
  };
  const options = [
    "-i",
    lab.keyFile,
    "-o",
    `UserKnownHostsFile=${join(lab.folder, "known_hosts")}`,
    "-o",
    "BatchMode=yes",
  ];
  const openssh = async (file: LocalFile): Promise<number> => {
    await clear();
    const words = [...options, `agent@${machine.address}`, "cat >/home/agent/sent"];
    return seconds(() => execa("ssh", words, { input: createReadStream(file.localPath), cancelSignal: signal }));
  };
  const times = { ours: [] as number[], openssh: [] as number[] };
  const others: number[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      others.push(await othersWork(signal));
      times.ours.push((await ours(large)) - (await ours(small)));
      times.openssh.push((await openssh(large)) - (await openssh(small)));
    }
  } finally {
    connection.close();
  }
  const rate = (of: readonly number[]): number => large.size / 1e6 / median(of);
  const said = `${what}: ${rate(times.ours).toFixed(0)} MB/s to ${rate(times.openssh).toFixed(0)} MB/s`;
  step.done(said);
  const note = [said, loadNote(others)].filter(Boolean).join("; ");
  return {
    upload_share: { value: rate(times.ours) / rate(times.openssh), unit: "x", bound: 0.8, better: "higher", note },
  };
}

/** Mattermost as a role ships it, or as many bytes where it is not installed. */
async function tarball(lab: RolesLab): Promise<{ file: LocalFile; what: string }> {
  try {
    return { file: await blobFile(mattermostServer().source), what: "Mattermost" };
  } catch (error) {
    if (!(error instanceof OlympusError) || error.code !== "E-TOOLCHAIN") throw error;
    return { file: await fileOf(lab, "large", 64_000_000), what: "random bytes (Mattermost is not installed)" };
  }
}

async function fileOf(lab: RolesLab, name: string, size: number): Promise<LocalFile> {
  const localPath = join(lab.folder, name);
  await writeFile(localPath, randomBytes(size));
  return { localPath, size, sha256: randomBytes(32).toString("hex") };
}

import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const files = {
  passwd: "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\n",
  group: "root:x:0:\nagent:x:1000:\n",
  hosts: "127.0.0.1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  "resolv.conf": "",
} as const;

/** Of this machine's own: links of programs, libraries, certificates. No configuration of a client, which may hold a token. */
const ofMachine = ["alternatives", "ld.so.cache", "ssl/certs"];

/** Makes the folder that commands see as /etc: one for all runs, as the machine is when the harness starts. */
export async function makeEtc(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o644 });
  for (const name of ofMachine) {
    await mkdir(dirname(join(folder, name)), { recursive: true, mode: 0o755 });
    try {
      await cp(join("/etc", name), join(folder, name), { recursive: true, verbatimSymlinks: true });
    } catch (error) {
      // A machine without: then there are no such links or certificates.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

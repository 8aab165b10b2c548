import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDir } from "../base/paths.ts";
import type { LabMachine } from "../lab/index.ts";
import type { RolesLab } from "./roles-lab.ts";
import { ansiblePlay, pyinfraDeploy, templateFiles } from "./roles-peer-files.ts";
import type { Tool } from "./roles-tools.ts";

/** Exact, as they were studied: other versions are other figures. */
const pins = ["ansible-core==2.19.14", "mitogen==0.3.54", "pyinfra==3.10.0"];

/** The peers, installed from PyPI into the cache once (half a minute). Rejects where there is no Python 3.11 with venv, or no PyPI. */
export async function openPeers(
  lab: RolesLab,
  signal: AbortSignal,
): Promise<Record<"pyinfra" | "mitogen" | "ansible", Tool>> {
  const venv = cacheDir("bench-peers", pins.join("_").replaceAll("==", "-"));
  if (!existsSync(join(venv, "whole"))) await install(venv, signal);
  const folder = join(lab.folder, "peers");
  await mkdir(folder);
  for (const [name, text] of templateFiles()) await writeFile(join(folder, name), text);
  await writeFile(join(folder, "play.json"), JSON.stringify(ansiblePlay(folder)));
  await writeFile(join(folder, "deploy.py"), pyinfraDeploy(folder));
  await writeFile(join(folder, "ansible.cfg"), ansibleConfig(folder));
  const env = { HOME: folder, LC_ALL: "C.UTF-8", ANSIBLE_CONFIG: join(folder, "ansible.cfg"), ANSIBLE_NOCOLOR: "1" };

  const ansible = async (machines: readonly LabMachine[], extra: Record<string, string>): Promise<string> => {
    const inventory = join(folder, "inventory");
    await writeFile(inventory, machines.map(({ name, address }) => `${name} ansible_host=${address}\n`).join(""));
    await writeKnownHosts(folder, machines);
    // A folder of its own for the shared connections of each run: none is met open.
    const control = await mkdtemp(join(lab.folder, "cp-"));
    const words = ["-i", inventory, join(folder, "play.json")];
    const { stdout } = await execa(join(venv, "bin/ansible-playbook"), words, {
      cwd: folder,
      env: { ...env, ...extra, ANSIBLE_SSH_CONTROL_PATH_DIR: control },
      cancelSignal: signal,
    });
    return stdout;
  };
  const strategy = join(await sitePackages(venv), "ansible_mitogen/plugins/strategy");
  return {
    ansible: { name: "ansible", run: (machines) => ansible(machines, {}) },
    mitogen: {
      name: "mitogen",
      run: (machines) => ansible(machines, { ANSIBLE_STRATEGY_PLUGINS: strategy, ANSIBLE_STRATEGY: "mitogen_linear" }),
    },
    pyinfra: {
      name: "pyinfra",
      async run(machines) {
        await writeKnownHosts(folder, machines);
        const hosts = machines.map(({ address }) => [
          address,
          {
            ssh_user: "agent",
            ssh_key: lab.keyFile,
            ssh_known_hosts_file: join(folder, "known_hosts"),
            ssh_strict_host_key_checking: "yes",
          },
        ]);
        const inventory = `hosts = [tuple(host) for host in ${JSON.stringify(hosts)}]\n`;
        await writeFile(join(folder, "inventory.py"), inventory);
        const { all } = await execa(join(venv, "bin/pyinfra"), ["-y", "inventory.py", "deploy.py"], {
          cwd: folder,
          env,
          all: true,
          cancelSignal: signal,
        });
        return all;
      },
    },
  };

  function ansibleConfig(at: string): string {
    const known = `-o UserKnownHostsFile=${join(at, "known_hosts")}`;
    return `[defaults]
remote_user = agent
private_key_file = ${lab.keyFile}
host_key_checking = True
forks = 16
interpreter_python = /usr/bin/python3
retry_files_enabled = False
[ssh_connection]
pipelining = True
ssh_args = -C -o ControlMaster=auto -o ControlPersist=5s ${known}
`;
  }
}

async function writeKnownHosts(folder: string, machines: readonly LabMachine[]): Promise<void> {
  const lines = machines.map(({ address, hostKey }) => `${address} ${hostKey}\n`);
  await writeFile(join(folder, "known_hosts"), lines.join(""));
}

async function install(venv: string, signal: AbortSignal): Promise<void> {
  await rm(venv, { recursive: true, force: true });
  await mkdir(cacheDir("bench-peers"), { recursive: true });
  const options = { cancelSignal: signal };
  await execa("python3", ["-m", "venv", venv], options);
  await execa(join(venv, "bin/python"), ["-m", "pip", "install", "--quiet", ...pins], options);
  await writeFile(join(venv, "whole"), "");
}

async function sitePackages(venv: string): Promise<string> {
  const code = "import sysconfig; print(sysconfig.get_paths()['purelib'])";
  const { stdout } = await execa(join(venv, "bin/python"), ["-c", code]);
  return stdout.trim();
}

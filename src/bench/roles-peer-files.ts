import { basename, join } from "node:path";
import { type BenchOperation, benchOperations, templates } from "./roles-operations.ts";

/** The forty operations as the peers' own users would write them. */

const contentOf = (operation: BenchOperation): string =>
  operation.kind === "file" && typeof operation.content === "string" ? operation.content : "";
const templateName = (path: string): string => `${basename(path)}.j2`;

/** Templates by file name: the value in the first line is filled in. */
export function templateFiles(): [string, string][] {
  return benchOperations.flatMap((one): [string, string][] => {
    if (one.kind !== "file" || !templates.includes(one.path)) return [];
    return [[templateName(one.path), contentOf(one).replace("name = filled", 'name = {{ "filled" }}')]];
  });
}

/** One play with a task for each operation; templates lie in `folder`. */
export function ansiblePlay(folder: string): unknown {
  const root = { owner: "root", group: "root" };
  const module = (one: BenchOperation): Record<string, unknown> => {
    switch (one.kind) {
      case "package":
        return { "ansible.builtin.apt": { name: one.names, state: "present", install_recommends: false } };
      case "group":
        return { "ansible.builtin.group": { name: one.name } };
      case "user":
        return {
          "ansible.builtin.user": {
            name: one.name,
            group: one.group,
            shell: one.shell,
            home: one.home,
            create_home: false,
          },
        };
      case "directory":
        return { "ansible.builtin.file": { path: one.path, state: "directory", mode: one.mode, ...root } };
      case "file": {
        const place = { dest: one.path, mode: one.mode ?? "0644", ...root };
        return templates.includes(one.path)
          ? { "ansible.builtin.template": { src: join(folder, templateName(one.path)), ...place } }
          : { "ansible.builtin.copy": { content: contentOf(one), ...place } };
      }
      case "line":
        return { "ansible.builtin.lineinfile": { path: one.path, line: one.line, create: true, mode: "0644" } };
      case "unit":
        return { "ansible.builtin.systemd_service": { name: one.name, enabled: true, state: "started" } };
    }
  };
  return [{ hosts: "all", become: true, tasks: benchOperations.map((one) => ({ name: one.id, ...module(one) })) }];
}

/** A deploy with a call for each operation; templates lie in `folder`. */
export function pyinfraDeploy(folder: string): string {
  const call = (one: BenchOperation): string => {
    const text = (value: unknown): string => JSON.stringify(value);
    const mode = (octal: string | undefined): string => text((octal ?? "0644").replace(/^0/, ""));
    const root = 'user="root", group="root"';
    switch (one.kind) {
      case "package":
        return `apt.packages(packages=${text(one.names)}, no_recommends=True)`;
      case "group":
        return `server.group(group=${text(one.name)})`;
      case "user":
        return `server.user(user=${text(one.name)}, group=${text(one.group)}, shell=${text(one.shell)}, home=${text(one.home)}, ensure_home=False)`;
      case "directory":
        return `files.directory(path=${text(one.path)}, mode=${mode(one.mode)}, ${root})`;
      case "file":
        return templates.includes(one.path)
          ? `files.template(src=${text(join(folder, templateName(one.path)))}, dest=${text(one.path)}, mode=${mode(one.mode)}, ${root})`
          : `files.put(src=StringIO(${text(contentOf(one))}), dest=${text(one.path)}, mode=${mode(one.mode)}, ${root})`;
      case "line":
        return `files.line(path=${text(one.path)}, line=${text(one.line)})`;
      case "unit":
        return `systemd.service(service=${text(one.name)}, running=True, enabled=True)`;
    }
  };
  const head = [
    "from io import StringIO",
    "from pyinfra import config",
    "from pyinfra.operations import apt, files, server, systemd",
  ];
  return [...head, "config.SUDO = True", ...benchOperations.map(call), ""].join("\n");
}

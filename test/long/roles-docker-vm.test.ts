/** Role `docker` on a VM, where containers start: published ports without the role firewall, and with it, seen from another machine. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, olympusOk } from "../support/olympus.ts";
import { type OneMachineLab, openOneMachineLab } from "../support/one-machine.ts";

let lab: OneMachineLab;
beforeAll(async () => {
  lab = await openOneMachineLab();
  await olympusOk(["up"]);
});
afterAll(() => lab?.close());

const docker = { source: "registries", members: ["agent"] };
/** What the hypervisor, which is in the team's network, gets from a port of the machine. */
const fromHypervisor = (port: number): Promise<string> =>
  lab.onHypervisor(
    `timeout 10 bash -c 'exec 3<>/dev/tcp/${lab.guest}/${port} && printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3 && grep hello <&3' || echo closed`,
  );
const role = (action: string): Promise<unknown> => olympusOk(["role", action, "docker", "--host", "athena", "--yes"]);

test("a container's published ports are open to whom they should be, over a restart of the machine too", async () => {
  lab.edit(["agents", "athena", "roles"], { docker });
  await role("setup");
  await lab.inGuest(
    "sudo apt-get -qq install -y busybox-static && mkdir -p web/bin && cp /bin/busybox web/bin/ && echo hello >web/index.html && tar -C web -c . | docker import - web:1",
  );
  const run = (name: string, ports: string) =>
    lab.inGuest(`docker run -d --restart always --name ${name} -p ${ports} web:1 /bin/busybox httpd -f -p 80 -h /`);
  await run("own", "8080:80");
  await run("open", "0.0.0.0:8081:80");
  const inside = (port: number) => lab.inGuest(`busybox wget -qO- -T 10 http://127.0.0.1:${port}/`);
  expect([await inside(8080), await inside(8081)]).toEqual(["hello", "hello"]);
  // The team's network may reach what was published to all, and nothing else.
  expect([await fromHypervisor(8080), await fromHypervisor(8081)]).toEqual(["closed", "hello"]);

  await olympusOk(["restart", "athena", "--yes"]);
  await eventually("the container", async () => (await fromHypervisor(8081)) === "hello", 300_000);
  expect(await fromHypervisor(8080)).toBe("closed");

  // With the firewall the matrix decides: no row opens 8081.
  lab.edit(["agents", "athena", "roles"], { docker, firewall: {} });
  await olympusOk(["role", "setup", "--host", "athena", "--yes"]);
  expect([await fromHypervisor(8081), await inside(8081)]).toEqual(["closed", "hello"]);
  lab.edit(
    ["connectivity"],
    [{ from: "hypervisors", to: "agents", protocol: "tcp", port: 8081, purpose: "a container's page" }],
  );
  await olympusOk(["role", "setup", "--host", "athena", "--yes"]);
  expect(await fromHypervisor(8081)).toBe("hello");

  await role("reset");
  expect(await lab.inGuest("command -v docker || sudo ls /var/lib/docker | head -n 1")).not.toContain("/usr/bin");
});

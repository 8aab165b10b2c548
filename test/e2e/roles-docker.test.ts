/** Role `docker` on a lab machine: the daemon, its settings, its rules. Containers themselves cannot start there: test/long has them. */
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { role } from "../../roles/docker/role.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
beforeAll(async () => {
  lab = await openRoleLab(1);
});
afterAll(async () => lab?.close());

const operations = (networks: readonly string[] | undefined): Operation[] =>
  role.setup({ packages: undefined, networks }, role.params.parse({ source: "registries", members: ["agent"] }));
const setup = async (networks: readonly string[] | undefined) => {
  const result = await lab.apply("setup", { docker: operations(networks) });
  expect(result.errors).toEqual([]);
  return result;
};
const asAgent = (script: string): Promise<string> => lab.inside(`runuser -l agent -c ${JSON.stringify(script)} 2>&1`);

/** A server where a container would be, with the rules that Docker writes for `-p 0.0.0.0:8080:80`. */
const publish = (): Promise<string> =>
  lab.inside(`ip netns add probe; ip link add v0 type veth peer name v1 netns probe; ip link set v0 master docker0 up
ip -n probe addr add 172.28.0.9/24 dev v1; ip -n probe link set v1 up; ip -n probe route add default via 172.28.0.1
ip netns exec probe perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalPort => 80) or die; while ($c = $s->accept) { print $c "hello"; close $c }' </dev/null >/dev/null 2>&1 &
timeout 60 sh -c "until bash -c 'exec 3<>/dev/tcp/172.28.0.9/80' 2>/dev/null; do sleep 0.1; done"
${openPort}`);
const openPort = `iptables -w -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.28.0.9:80
iptables -w -A DOCKER -d 172.28.0.9 ! -i docker0 -o docker0 -p tcp --dport 80 -j ACCEPT`;

/** What a stranger to the machine gets from the published port. */
const fromOutside = (): Promise<string> =>
  new Promise((done) => {
    const socket = connect({ host: lab.machines[0]!.address, port: 8080, timeout: 5_000 });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => done(text === "" ? "closed" : text));
  });

test("Docker runs as wished, published ports are closed to outsiders, images outlive a reset, and a purge takes all away", async () => {
  const before = await snapshotHost((script) => lab.inside(script));
  await setup([]);
  expect(await asAgent("docker info --format '{{.LiveRestoreEnabled}} {{.LoggingDriver}}'")).toBe("true local\n");
  expect(
    await asAgent(
      "docker network create mine >/dev/null; docker network inspect -f '{{(index .IPAM.Config 0).Subnet}}' bridge mine",
    ),
  ).toMatch(/^172\.28\.0\.0\/24\n172\.(28|29|30|31)\.\d+\.0\/24\n$/);
  expect((await setup([])).changed).toBe(0);

  await publish();
  expect(await fromOutside()).toBe("closed");
  expect((await setup([`${lab.lab.hostAddress}/32`])).changed).toBe(1);
  expect(await fromOutside()).toBe("hello");
  await setup([]);
  expect(await fromOutside()).toBe("closed");
  // Docker started again, and its rules flushed by somebody: the first keeps ours, the second is found and mended.
  await lab.inside(`systemctl restart docker; ${openPort}`);
  expect(await fromOutside()).toBe("closed");
  await lab.inside("iptables -w -F DOCKER-USER");
  expect(await fromOutside()).toBe("hello");
  expect((await setup([])).hosts[0]!.lines.map(({ summary }) => summary)).toEqual([
    "put the rules for published ports back",
  ]);
  expect(await fromOutside()).toBe("closed");
  // The role firewall came: it decides from now on, and nothing of ours stands in its way.
  await setup(undefined);
  expect(await lab.inside("iptables -w -S DOCKER-USER")).not.toContain("DROP");
  await setup([]);
  await lab.inside("kill $(ip netns pids probe); ip netns del probe; umount /run/netns");

  await asAgent(
    "tar -C /etc -cf - hostname | docker import - probe:1 >/dev/null; docker create --name kept probe:1 true >/dev/null",
  );
  const reset = await lab.apply("reset", { docker: operations([]) });
  expect(reset.errors).toEqual([]);
  expect(reset.hosts[0]!.kept.join("\n")).toContain("/var/lib/docker (containers)");
  expect(
    await lab.inside("command -v docker dockerd iptables || true; ls /sys/class/net | grep -c docker0 || true"),
  ).toBe("0\n");
  await setup([]);
  expect(await asAgent("docker ps -a --format '{{.Names}} {{.Image}}'")).toBe("kept probe:1\n");

  const purge = await lab.apply("reset", { docker: operations([]) }, { purge: ["containers"] });
  expect(purge.errors).toEqual([]);
  expect(snapshotDifference(before, await snapshotHost((script) => lab.inside(script)))).toEqual([]);
});

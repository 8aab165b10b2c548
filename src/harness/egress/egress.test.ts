import { expect, test } from "vitest";
import { silentLog } from "../log.ts";
import type { Machine } from "./clients.ts";
import { openEgress } from "./egress.ts";
import { isNamed, mayConnect, ruleFor, ruleOf, ruleOfUrl } from "./rules.ts";

const machine = (answers: Record<string, string>): Machine => ({
  ask: async (program, ...args) => answers[[program, ...args].join(" ")],
  read: async (path) => answers[path],
  list: async (folder) => (answers[folder] ?? "").split(" ").filter((name) => name !== ""),
});

const open = (entries: string[], answers: Record<string, string>) =>
  openEgress(entries, silentLog, () => undefined, machine(answers));
const hosts = async (entries: string[], answers: Record<string, string>) =>
  (await open(entries, answers)).rules.map(({ host, port }) => `${host}:${port}`);

test("addresses come from the machine's own clients", async () => {
  const answers = {
    "/etc/apt/sources.list": "deb http://mirror.example/debian stable main\n# deb http://comment.example x",
    "/etc/apt/sources.list.d": "a.sources b.list.disabled",
    "/etc/apt/sources.list.d/a.sources":
      "Types: deb\nURIs: https://one.example/debian https://two.example:8443/x\nSuites: stable\n",
    "/etc/apt/sources.list.d/b.list.disabled": "deb http://off.example x",
    "npm config get registry": "https://user:token@npm.example/registry/\n",
    "pip3 config get global.index-url": "https://pip.example/simple\n",
    "go env GOPROXY GOSUMDB": "https://go.example,direct\nsums.example\n",
  };
  expect(await hosts(["debian"], answers)).toEqual(["mirror.example:80", "one.example:443", "two.example:8443"]);
  const { rules, environment } = await open(["npm", "pypi", "go"], answers);
  expect(rules.map(({ host }) => host)).toEqual(["npm.example", "pip.example", "go.example", "sums.example"]);
  expect(environment).toEqual({
    npm_config_registry: "https://npm.example/registry/",
    PIP_INDEX_URL: "https://pip.example/simple",
    GOPROXY: "https://go.example/",
  });
});

test("a client that is not there, or names none, allows nothing", async () => {
  expect(await hosts(["npm", "debian", "pypi", "go"], {})).toEqual([]);
});

test("pip without configuration is asked for its own index", async () => {
  const own =
    "python3 -c from pip._internal.models.index import PyPI as p; print(p.simple_url); print('https://' + p.file_storage_domain)";
  expect(await hosts(["pypi"], { [own]: "https://index.example/simple\nhttps://files.example\n" })).toEqual([
    "index.example:443",
    "files.example:443",
  ]);
});

test("only whole names and ports count", () => {
  const rules = [ruleOf("api.example"), ruleOf("10.1.2.3:8080"), ruleOf("[fd00::1]:443")];
  expect(ruleFor(rules, "API.example.", 443)).toBeDefined();
  for (const [host, port] of [
    ["api.example", 80],
    ["x.api.example", 443],
    ["api.example.evil", 443],
    ["10.1.2.3", 443],
  ] as const)
    expect(ruleFor(rules, host, port), host).toBeUndefined();
  expect(ruleFor(rules, "fd00::1", 443)).toBeDefined();
});

test("F12 a name in public must not lead into this machine or its network", () => {
  const listed = ruleOf("api.example");
  for (const address of [
    "127.0.0.1",
    "::1",
    "169.254.169.254",
    "0.0.0.0",
    "10.1.2.3",
    "192.168.1.1",
    "::ffff:10.0.0.1",
    "fd00::1",
  ])
    expect(mayConnect(listed, address), address).toBe(false);
  expect(mayConnect(listed, "93.184.216.34")).toBe(true);
  const mirror = ruleOfUrl("http://mirror.internal/debian");
  expect(mayConnect(mirror, "10.1.2.3")).toBe(true);
  expect(mayConnect(mirror, "127.0.0.1")).toBe(false);
  expect(mayConnect(ruleOf("127.0.0.1:3000"), "127.0.0.1")).toBe(true);
});

test("E7 a connection counts for the server that a rule names alone; an address has no name to say", () => {
  const listed = ruleOf("Api.Example");
  expect(isNamed(listed, "api.example")).toBe(true);
  for (const name of ["attacker.example", "x.api.example", undefined]) expect(isNamed(listed, name)).toBe(false);
  for (const address of ["10.1.2.3:8443", "[fd00::1]:443"]) {
    expect(isNamed(ruleOf(address), undefined)).toBe(true);
    expect(isNamed(ruleOf(address), "attacker.example")).toBe(false);
  }
});

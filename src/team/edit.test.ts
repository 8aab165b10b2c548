import { describe, expect, it } from "vitest";
import { removeFromText, setInText } from "./edit.ts";

const key = "ssh-ed25519 AAAAC3Nza+C1/lZD==";
const path = ["hypervisors", "r420", "hostKey"];

describe("writing one value into a team file", () => {
  it.each([
    [
      "a block map, with comments",
      "# top\nhypervisors:\n  r420: # the old one\n    address: 10.1.0.2 # attic\n    cpus: 8   # guess\n\n  # next\n  r710:\n    cpus: 1\n",
      `# top\nhypervisors:\n  r420: # the old one\n    address: 10.1.0.2 # attic\n    cpus: 8   # guess\n    hostKey: ${key}\n\n  # next\n  r710:\n    cpus: 1\n`,
    ],
    [
      "a flow map",
      "hypervisors:\n  r420: { address: 10.1.0.2, cpus: 8 }  # attic\n",
      `hypervisors:\n  r420: { address: 10.1.0.2, cpus: 8, hostKey: ${key} }  # attic\n`,
    ],
    [
      "a flow map over lines",
      "hypervisors: {\n  r420: {\n    cpus: 8,\n  },\n}\n",
      `hypervisors: {\n  r420: {\n    cpus: 8, hostKey: ${key},\n  },\n}\n`,
    ],
    [
      "a key that is there already",
      'hypervisors:\n  r420:\n    hostKey: "ssh-rsa AAAA" # old\n    cpus: 8\n',
      `hypervisors:\n  r420:\n    hostKey: ${key} # old\n    cpus: 8\n`,
    ],
    [
      "no newline at the end",
      "hypervisors:\n  r420:\n    cpus: 8",
      `hypervisors:\n  r420:\n    cpus: 8\n    hostKey: ${key}\n`,
    ],
    [
      "a nested map last",
      "hypervisors:\n  r420:\n    roles:\n      base:\n        swap: 1\nnext: 1\n",
      `hypervisors:\n  r420:\n    roles:\n      base:\n        swap: 1\n    hostKey: ${key}\nnext: 1\n`,
    ],
    [
      "a text over lines last",
      "hypervisors:\n  r420:\n    note: >-\n      one\n      two\nnext: 1\n",
      `hypervisors:\n  r420:\n    note: >-\n      one\n      two\n    hostKey: ${key}\nnext: 1\n`,
    ],
    [
      "Windows line ends",
      "hypervisors:\r\n  r420:\r\n    cpus: 8\r\nnext: 1\r\n",
      `hypervisors:\r\n  r420:\r\n    cpus: 8\r\n    hostKey: ${key}\r\nnext: 1\r\n`,
    ],
  ])("%s", (_name, before, after) => {
    expect(setInText(before, path, key)).toBe(after);
    expect(setInText(after, path, key)).toBe(after);
  });

  it("writes numbers", () => {
    expect(setInText("agents:\n  athena: { on: r420, generation: 0 }\n", ["agents", "athena", "generation"], 1)).toBe(
      "agents:\n  athena: { on: r420, generation: 1 }\n",
    );
  });

  it.each([
    ["an alias", "a: &a { cpus: 8 }\nhypervisors:\n  r420: *a\n"],
    ["an empty map", "hypervisors:\n  r420: {}\n"],
    ["nothing", "hypervisors: {}\n"],
  ])("refuses %s and says what to write", (_name, before) => {
    expect(() => setInText(before, path, key)).toThrow(expect.objectContaining({ code: "E-TEAM-EDIT" }));
  });
});

describe("writing a whole entry, and taking one out", () => {
  const before =
    "agents:\n  athena: # the first\n    on: r420\n    duties: [orchestration]\n\n# below\nservices:\n  agora:\n    on: r420\n";
  const entry = { on: "r420", duties: ["development", "review"], persona: "You are Hermes: quick." };

  it("puts it after the others, and gives the text back as it was", () => {
    const added = setInText(before, ["agents", "hermes"], entry);
    expect(added).toBe(
      before.replace(
        "duties: [orchestration]\n",
        'duties: [orchestration]\n  hermes:\n    on: r420\n    duties: [development, review]\n    persona: "You are Hermes: quick."\n',
      ),
    );
    expect(removeFromText(added, ["agents", "hermes"])).toBe(before);
  });

  it("leaves what is within one line, or referred to, to a person", () => {
    expect(() => removeFromText("agents: { athena: 1, hermes: 2 }\n", ["agents", "hermes"])).toThrow(
      "cannot be taken out",
    );
    expect(() => removeFromText("a:\n  x: &x 1\n  y: *x\n", ["a", "x"])).toThrow("cannot be taken out");
    expect(() => removeFromText(before, ["agents", "zeus"])).toThrow("cannot be taken out");
  });
});

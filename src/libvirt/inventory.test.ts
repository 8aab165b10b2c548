import { describe, expect, it } from "vitest";
import { inventoryScript, parseInventory } from "./inventory.ts";

describe("parseInventory", () => {
  it("reads pool, bridge, domains and volumes", () => {
    const text = [
      "bridge yes",
      "pool active",
      "volume lab.athena.data.qcow2",
      "domain lab.athena\t3b1d1090-59cd-46b8-8128-f44fc36c72f8\t\trunning\t\tolympus team=lab machine=athena state=1a2b3c4d\t",
      "domain lab.old\t5c1d1090-59cd-46b8-8128-f44fc36c72f8\t\tshut off\t\tNo description for domain: lab.old\t",
      "",
    ].join("\n");
    expect(parseInventory(text)).toEqual({
      pool: true,
      bridge: true,
      volumes: ["lab.athena.data.qcow2"],
      domains: [
        {
          name: "lab.athena",
          uuid: "3b1d1090-59cd-46b8-8128-f44fc36c72f8",
          state: "running",
          description: "olympus team=lab machine=athena state=1a2b3c4d",
        },
        { name: "lab.old", uuid: "5c1d1090-59cd-46b8-8128-f44fc36c72f8", state: "shut off", description: "" },
      ],
    });
  });

  it.each([
    ["pool missing", undefined],
    ["pool inactive", false],
  ])("tells %s", (line, pool) => {
    expect(parseInventory(`bridge no\n${line}\n`)).toEqual({ pool, bridge: false, domains: [], volumes: [] });
  });
});

it("quotes what comes from the team file", () => {
  const script = inventoryScript({ pool: "it's; rm -rf /", bridge: "br0", prefix: "lab." });
  expect(script).toContain("'it'\\''s; rm -rf /'");
});

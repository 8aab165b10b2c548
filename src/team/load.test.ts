import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { brokenFiles } from "./cases/broken.ts";
import { generateTeam } from "./generate.ts";
import { loadTeam, parseTeam } from "./load.ts";
import { TeamProblems } from "./problems.ts";

const folder = join(projectRoot, "src", "team", "cases");
const sound = readFileSync(join(folder, "sound.yaml"), "utf8");
const expected = new Map(
  readFileSync(join(folder, "broken.expected.txt"), "utf8")
    .split(/^== /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1).trimEnd()] as const),
);

function problemsOf(text: string): TeamProblems {
  try {
    parseTeam(text, join(process.cwd(), "team.yaml"));
  } catch (error) {
    if (error instanceof TeamProblems) return error;
    throw error;
  }
  throw new Error("nothing was found wrong");
}

function shown(problems: TeamProblems): string {
  const each = problems.errors.map(
    ({ where, code, message, excerpt, hint }) =>
      `${where} ${code} ${message}\n${excerpt} ${hint?.replaceAll("\n", "\n  ")}`,
  );
  return [problems.message, ...each].join("\n").replace(/ +$/gm, "");
}

describe("a broken team file", () => {
  it.each(brokenFiles)("$name", ({ name, edits }) => {
    const text = edits.reduce((before, [from, to]) => {
      expect(before.includes(from) || from === "*").toBe(true);
      return from === "*" ? to : before.replace(from, () => to);
    }, sound);
    const problems = problemsOf(text);
    expect(shown(problems).replace(/known: base, [a-z, -]+(?=\.)/, "known: {roles}")).toBe(expected.get(name));
    expect(problems.exit).toBe(exitCodes.usage);
  });

  it("has every case in the list", () => {
    expect([...expected.keys()]).toEqual(brokenFiles.map(({ name }) => name));
  });

  it("comes with its team when only the capacity is wrong", () => {
    expect(problemsOf(sound.replace("template: light\n", "template: heavy\n")).team?.machines).toHaveLength(3);
    expect(problemsOf(sound.replace("on: south", "on: sout")).team).toBeUndefined();
  });

  it("shows fifty problems and counts the rest", () => {
    const text = generateTeam({ agents: 60 })
      .replaceAll("template: medium", "template: big")
      .replaceAll("light", "small");
    const problems = problemsOf(text);
    expect(problems.message).toContain("61 problems, the first 50 shown");
    expect(problems.errors).toHaveLength(50);
  });

  it("that is not there or too large says what to do", async () => {
    await expect(loadTeam("/nowhere/team.yaml")).rejects.toMatchObject({ code: "E-TEAM-FILE", exit: 1 });
    await expect(loadTeam(process.execPath)).rejects.toThrow(/MB large/);
    await expect(loadTeam(projectRoot)).rejects.toMatchObject({ code: "E-TEAM-FILE" });
  });
});

describe("a sound team file", () => {
  it("gives machines with sizes, roles and addresses that never change", async () => {
    const team = await loadTeam(join(projectRoot, "examples", "lab", "team.yaml"));
    expect(team.machines).toMatchObject([
      { name: "athena", kind: "agent", memory: 1024, vcpu: 2, root: 8192, data: 4096, mac: "52:54:00:8a:65:e1" },
      { name: "agora", kind: "service", memory: 2048, hypervisor: "r720xd", image: "debian-12-postgresql" },
    ]);
    expect(Object.keys(team.machines[1]!.roles)).toEqual(["base", "postgresql", "mattermost", "node", "rehearsal"]);
    expect(team.secretsFile).toBe(join(projectRoot, "examples", "lab", "secrets.enc.yaml"));
    expect(team.where?.(["agents", "athena", "address"])).toBe("examples/lab/team.yaml:33");
  });

  it("may use anchors, and roles without parameters", () => {
    const text = sound
      .replace("persona: You plan.", "persona: &who You work.\n    roles: { base: }")
      .replace("persona: You build.", "persona: *who\n    roles: { base: { swap: 1 } }")
      .replace("  budget: { run: 1", "  roles: { base: { swap: 2, zone: a } }\n  budget: { run: 1");
    const [athena, apollo] = parseTeam(text, "/x/team.yaml").machines;
    expect(apollo?.agent?.persona).toBe("You work.");
    expect(athena?.roles).toEqual({ base: { swap: 2, zone: "a" }, node: {}, agent: {} });
    expect(apollo?.roles.base).toEqual({ swap: 1, zone: "a" });
  });
});

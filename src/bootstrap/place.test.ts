import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { loadTeam } from "../team/load.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { Team } from "../team/schema.ts";
import { addressed } from "./ask.ts";
import { operatorOf } from "./people.ts";
import { findPlace } from "./place.ts";
import { chatUrl } from "./url.ts";

const lab = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));

function changed(change: (file: Team) => void): LoadedTeam {
  const team = structuredClone(lab.team);
  change(team);
  return { ...lab, team };
}

describe("where and as whom an agent is asked", () => {
  test("the operator, in the first channel that both are in", () => {
    expect(findPlace(lab, "athena")).toEqual({ person: "mara", team: "olympus", channel: "olympus" });
    expect(findPlace(lab, "athena", "olaf", "dev")).toEqual({ person: "olaf", team: "olympus", channel: "dev" });
    expect(findPlace(lab, "athena", "kim", "olympus/dev").channel).toBe("dev");
  });

  test("teams that one of them is not in do not count", () => {
    const team = changed((file) => {
      const { olympus } = file.teams;
      file.teams = { quiet: { ...olympus!, members: ["mara"] }, loud: { ...olympus!, members: ["athena", "mara"] } };
    });
    expect(findPlace(team, "athena").team).toBe("loud");
    expect(() => findPlace(team, "athena", "kim")).toThrow("kim and athena share no channel");
    expect(() => findPlace(team, "athena", "mara", "quiet/dev")).toThrow("are not both in quiet/dev");
  });

  test("the operator is who administers and may command, else who may command, else anybody", () => {
    const { mara, kim, olaf } = lab.team.people;
    expect(operatorOf({ olaf: olaf!, kim: kim!, mara: mara! })).toBe("mara");
    expect(operatorOf({ olaf: olaf!, kim: kim! })).toBe("kim");
    expect(operatorOf({ olaf: olaf! })).toBe("olaf");
    expect(operatorOf({})).toBeUndefined();
  });
});

test.each([
  ["hello", "@athena hello"],
  ["hello @athena", "hello @athena"],
  ["hello @ATHENA, please", "hello @ATHENA, please"],
  ["write to mail@athena.example", "@athena write to mail@athena.example"],
  ["hello @athena-two", "@athena hello @athena-two"],
])("%j is sent as %j", (text, sent) => {
  expect(addressed("athena", text)).toBe(sent);
});

test("the chat is on the machine that carries it", () => {
  expect(chatUrl(lab)).toBe("http://10.220.1.20:8065");
  expect(() => chatUrl({ ...lab, machines: lab.machines.filter(({ name }) => name !== "agora") })).toThrow(
    expect.objectContaining({ code: "E-CHAT-NONE" }),
  );
});

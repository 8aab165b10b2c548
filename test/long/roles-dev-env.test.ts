/** Role `dev-env`: what is large from registries, 340 MB of packages: compilers build programs that run. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { asAgent, devEnvOperations } from "../support/dev-env.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
beforeAll(async () => {
  lab = await openRoleLab(1);
});
afterAll(async () => lab?.close());

/** xml-core, which comes with the AWS command line, leaves its empty folder when it is purged. */
const leftByPackages = ["+ file etc/xml d 755 root root "];

test("go, rust and c-cpp build programs that run, aws keeps its settings; reset gives everything back", async () => {
  const before = await snapshotHost((script) => lab.inside(script));
  const operations = await devEnvOperations(lab, { tools: ["go", "rust", "c-cpp", "aws-cli"], source: "registries" });
  const setup = await lab.apply("setup", { "dev-env": operations });
  expect(setup.errors).toEqual([]);
  expect((await lab.apply("setup", { "dev-env": operations })).changed).toBe(0);

  const go = `package main\\nimport \\"fmt\\"\\nfunc main() { fmt.Println(\\"go\\", 6*7) }\\n`;
  expect(await asAgent(lab, `mkdir g; cd g; printf '%b' "${go}" >main.go; go mod init g 2>/dev/null; go run .`)).toBe(
    "go 42\n",
  );
  expect(await asAgent(lab, "cargo new --vcs none -q r; cd r; cargo run -q --offline")).toBe("Hello, world!\n");
  const cmake = "cmake_minimum_required(VERSION 3.20)\nproject(c LANGUAGES CXX)\nadd_executable(c main.cpp)\n";
  const cpp = "#include <iostream>\nint main() { std::cout << 6 * 7 << std::endl; }\n";
  expect(
    await asAgent(
      lab,
      `mkdir c; cd c; cat >CMakeLists.txt <<'E'\n${cmake}E\ncat >main.cpp <<'E'\n${cpp}E\ncmake -B out . >/dev/null; cmake --build out >/dev/null; out/c; gdb -batch -ex 'info functions ^main$' out/c | grep -c main`,
    ),
  ).toMatch(/^42\n\d+\n$/);

  expect(await asAgent(lab, "aws configure set region eu-central-1; aws configure get region")).toBe("eu-central-1\n");

  expect((await lab.apply("reset", { "dev-env": operations })).errors).toEqual([]);
  expect(snapshotDifference(before, await snapshotHost((script) => lab.inside(script)))).toEqual(leftByPackages);
});

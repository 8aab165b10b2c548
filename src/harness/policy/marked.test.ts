import { expect, test } from "vitest";
import { markedIn } from "./marked.ts";

const marked = ["terraform destroy", "rm -rf", "drop table", "kubectl delete", "git push --force*"];

test.each([
  ["terraform destroy", "terraform destroy"],
  ["cd infra && sudo /usr/bin/terraform -chdir=x 'destroy' -auto-approve", "terraform destroy"],
  ["terraform \\\n  destroy", "terraform destroy"],
  ['r"m" -rf /', "rm -rf"],
  ["echo x; (RM -rf build)", "rm -rf"],
  ["psql -c 'DROP TABLE users'", "drop table"],
  ["git push origin main --force-with-lease", "git push --force*"],
  ["find . | xargs rm -rf", "rm -rf"],
  ["terraform plan\necho destroy", undefined],
  ["rm -r build", undefined],
  ["firm -rf", undefined],
  ["", undefined],
])("%j is marked by %s", (script, expected) => {
  expect(markedIn(script, marked)).toBe(expected);
});

test("what is not written out is not found: the marks are no wall", () => {
  for (const script of [
    "t=terra; $t'form' destroy",
    "echo dGVycmFmb3Jt | base64 -d | sh",
    "sh ./clean.sh",
    "rm -r -f /",
  ])
    expect(markedIn(script, marked), script).toBeUndefined();
  expect(markedIn("anything", ["", "  "])).toBeUndefined();
});

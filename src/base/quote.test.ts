import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { quoteAll } from "./quote.ts";

test("a shell gets back every word as it was", () => {
  const words = [
    "plain/path-1.2",
    "",
    "two words",
    "it's",
    '"$HOME" `id` \\',
    "~",
    "*",
    "a\nb",
    "-n",
    "#",
    "é;&|<>(){}",
  ];
  const heard = execFileSync("sh", ["-c", `printf '%s\\0' ${quoteAll(words)}`], { encoding: "utf8" });
  expect(heard.split("\0").slice(0, -1)).toEqual(words);
});

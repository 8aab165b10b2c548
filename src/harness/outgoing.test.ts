import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { contentOf } from "./chat-port.ts";
import { readOutgoing } from "./outgoing.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-outgoing-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const harmless = () => false;
const put = (name: string, content: string | Uint8Array) => writeFileSync(join(dir, name), content);

test("files are attached by safe names, whole", async () => {
  put("report.pdf", Uint8Array.from([0, 255, 1]));
  put("a `b`]\u202E.csv", "x,y");
  const { files, left } = await readOutgoing(dir, harmless);
  expect(files.map(({ name }) => name)).toEqual(["a _b__.csv", "report.pdf"]);
  expect([...contentOf(files[1]!)]).toEqual([0, 255, 1]);
  expect(left).toEqual([]);
});

test("what is too large, too much, of another kind or no file is named and left", async () => {
  put("empty.txt", "");
  put("large.zip", Buffer.alloc(4 * 1024 * 1024 + 1));
  put("run.exe", "MZ");
  put("page.html", "<script>");
  mkdirSync(join(dir, "folder.txt"));
  for (let n = 1; n <= 6; n++) put(`z${n}.txt`, `${n}`);
  const { files, left } = await readOutgoing(dir, harmless);
  expect(files.map(({ name }) => name)).toEqual(["z1.txt", "z2.txt", "z3.txt", "z4.txt", "z5.txt"]);
  expect(left).toEqual([
    "`empty.txt` (empty)",
    "`folder.txt` (not a file)",
    "`large.zip` (larger than 4 MiB)",
    "`page.html` (not a kind of file that I attach)",
    "`run.exe` (not a kind of file that I attach)",
    "`z6.txt` (only 5 files are attached)",
  ]);
});

test("all together have a bound", async () => {
  for (const name of ["a", "b", "c"]) put(`${name}.zip`, Buffer.alloc(3 * 1024 * 1024));
  const { files, left } = await readOutgoing(dir, harmless);
  expect([files.length, left]).toEqual([2, ["`c.zip` (more than 8 MiB in all)"]]);
});

test("E4 a link is not followed, neither as a file nor as the folder; a file with a secret is left", async () => {
  const secret = join(dir, "..", `olympus-secret-${process.pid}.txt`);
  writeFileSync(secret, "canary");
  try {
    symlinkSync(secret, join(dir, "link.txt"));
    linkSync(secret, join(dir, "same.txt"));
    const { files, left } = await readOutgoing(dir, (text) => text.includes("canary"));
    expect([files, left]).toEqual([[], ["`link.txt` (not a file)", "`same.txt` (it holds a secret)"]]);
    symlinkSync(dir, `${dir}/folder`);
    expect(await readOutgoing(join(dir, "folder"), harmless)).toEqual({ files: [], left: [] });
    expect(await readOutgoing(join(dir, "nowhere"), harmless)).toEqual({ files: [], left: [] });
  } finally {
    rmSync(secret);
  }
});

test("E5 a file whose name holds a secret is left, and not named: also where the name is shown otherwise than it is", async () => {
  put("canary.txt", "harmless");
  put("can\u200Bary.txt", "harmless");
  put(`${"x".repeat(95)}canary.txt`, "harmless");
  mkdirSync(join(dir, "canary"));
  const { files, left } = await readOutgoing(dir, (text) => text.includes("canary"));
  expect([files, left]).toEqual([[], Array(4).fill("a file whose name holds a secret")]);
});

test("a folder full of names is told of in few words, and not read to its end", async () => {
  for (let n = 0; n < 1200; n++) put(`${n}.exe`, "");
  const { left } = await readOutgoing(dir, harmless);
  expect(left).toHaveLength(21);
  expect(left.at(-1)).toBe("and 981 more");
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openStore } from "../store/open.ts";
import { heardAtStart } from "./table.ts";

test("what a run answers is what was there when it first began, also after a kill", () => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-table-"));
  const store = openStore(dir);
  expect(heardAtStart(store, "one", '["review-1"]')).toBe('["review-1"]');
  expect(heardAtStart(store, "one", '["review-1","review-2"]')).toBe('["review-1"]');
  expect(heardAtStart(store, "two", '["review-1","review-2"]')).toBe('["review-1","review-2"]');
  store.close();
  rmSync(dir, { recursive: true });
});

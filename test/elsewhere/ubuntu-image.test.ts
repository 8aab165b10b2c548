import { expect } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import { ensureImage } from "../../src/images/index.ts";
import { itElsewhere } from "../support/elsewhere.ts";

itElsewhere("ubuntu-image", "is downloaded and verified by its sha256", async () => {
  const image = await ensureImage("ubuntu-24.04", {
    reporter: silentReporter(),
    signal: AbortSignal.timeout(1_500_000),
  });
  expect(image.identity).toMatch(/^[0-9a-f]{12,64}$/);
});

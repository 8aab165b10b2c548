import { expect } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import { ensureImage } from "../../src/images/index.ts";
import { itElsewhere } from "../support/elsewhere.ts";

itElsewhere(
  "ubuntu-image",
  "22.04, 24.04 and debian-12-cloud are downloaded and verified by their sha256",
  async () => {
    for (const name of ["ubuntu-22.04", "ubuntu-24.04", "debian-12-cloud"]) {
      const image = await ensureImage(name, { reporter: silentReporter(), signal: AbortSignal.timeout(1_500_000) });
      expect(image.identity).toMatch(/^[0-9a-f]{12,64}$/);
    }
  },
);

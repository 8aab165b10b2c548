import { expect, test } from "vitest";
import { vouches } from "./pin.ts";

const shown = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8";

test("the whole fingerprint vouches, or its last 16 characters; fewer, others or other case do not", () => {
  for (const typed of [shown, shown.slice(7), `${shown}=`, shown.slice(-16), shown.slice(-30)]) {
    expect(vouches(typed, shown), typed).toBe(true);
  }
  const near = shown.slice(-16);
  const others = ["", "SHA256:", shown.slice(-8), shown.slice(-15), near.toLowerCase(), `x${near}`, shown.slice(7, 30)];
  for (const typed of others) expect(vouches(typed, shown), typed).toBe(false);
});

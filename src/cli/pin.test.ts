import { expect, test } from "vitest";
import { mustNotBeLabs, vouches } from "./pin.ts";

const shown = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8";

test("the whole fingerprint vouches, or its last 16 characters; fewer, others or other case do not", () => {
  for (const typed of [shown, shown.slice(7), `${shown}=`, shown.slice(-16), shown.slice(-30)]) {
    expect(vouches(typed, shown), typed).toBe(true);
  }
  const near = shown.slice(-16);
  const others = ["", "SHA256:", shown.slice(-8), shown.slice(-15), near.toLowerCase(), `x${near}`, shown.slice(7, 30)];
  for (const typed of others) expect(vouches(typed, shown), typed).toBe(false);
});

test("a key of the lab is not pinned for another team's hypervisor of the same address", () => {
  const machine = { name: "r420", address: "10.220.1.7", running: true, processes: 1, guests: 0, memory: undefined };
  const lab = { team: "/lab/team.yaml", machines: [machine] };
  expect(() => mustNotBeLabs(lab, "/team.yaml", "10.220.1.7")).toThrow("would pin the lab's key");
  expect(() => mustNotBeLabs(lab, "/team.yaml", "10.220.1.8")).not.toThrow();
  expect(() => mustNotBeLabs(lab, "/lab/team.yaml", "10.220.1.7")).not.toThrow();
});

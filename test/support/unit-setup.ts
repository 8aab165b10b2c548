/** Before each file of unit tests: its worker is another file's too, and what that one left behind must not reach this one. */
import { vi } from "vitest";

// Our modules are loaded anew: their state goes, and what another file's mocks stood in for, or stood too late for.
vi.resetModules();

const kept = globalThis as { environmentBefore?: NodeJS.ProcessEnv };
kept.environmentBefore ??= { ...process.env };
for (const name of Object.keys(process.env)) if (!(name in kept.environmentBefore)) delete process.env[name];
Object.assign(process.env, kept.environmentBefore);

import { resolveQuickly } from "./resolve.ts";

// Before anything else is loaded: what this file imports itself is found without it.
resolveQuickly();
await import("./program.ts");

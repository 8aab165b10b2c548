import { usePacked } from "./packed.ts";

// Before anything else is loaded: what this file imports itself is found without it.
usePacked();
await import("./program.ts");

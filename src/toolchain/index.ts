export { type EnsureOptions, ensureTools, type Part, type Source } from "./ensure.ts";
export { passphraseFile, pulumiEnv, shellExports, writePassphrase } from "./env.ts";
export { refuseLabState } from "./lab-state.ts";
export { requirePulumiEnv } from "./require-env.ts";
export { prepareStacks } from "./stacks.ts";
export { type Toolchain, toolchain } from "./toolchain.ts";

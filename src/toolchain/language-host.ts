/**
 * Pulumi's language host for this project's own program: started by the CLI as `pulumi-language-nodejs [-option=value…] <engine>`,
 * it prints its port and is asked to run the program.
 */
import { enableCompileCache } from "node:module";
import { cacheDir } from "../base/paths.ts";
import { loadPulumiLazily } from "./lazy-pulumi.ts";

// Before anything big is loaded, which is why the rest is a module of its own.
enableCompileCache(process.env.NODE_COMPILE_CACHE ?? cacheDir("compile"));
loadPulumiLazily();
const { serve } = await import("./language-service.ts");
serve(process.argv.slice(2));

/**
 * How Node runs the harness, wherever it does: the unit, tests and benchmarks. A small young generation costs nothing at a few
 * messages a second and keeps memory from growing to what the machine would allow. The only WebAssembly is fetch's own parser,
 * whose second, optimising compiler alone takes 12 MB; compiling ours for size saves 4 more. Our own code waits far more than it
 * computes: what V8's optimising compilers make of it, function by function, is most of what memory grows by over a thousand mentions.
 */
export const nodeFlags: readonly string[] = [
  "--max-semi-space-size=1",
  "--max-old-space-size=192",
  "--liftoff-only",
  "--optimize-for-size",
  "--max-lazy",
  "--no-opt",
  "--no-maglev",
];

/** glibc keeps an arena for each of Node's threads otherwise. */
export const nodeEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: "2", UV_THREADPOOL_SIZE: "2" };

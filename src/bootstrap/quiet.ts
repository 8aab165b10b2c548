/** The chat client's library prints every connection to stdout, where only data belongs. Silences it until the returned function is called. */
export function quietConsole(): () => void {
  const { log, warn, error } = console;
  const nothing = (): void => undefined;
  Object.assign(console, { log: nothing, warn: nothing, error: nothing });
  return () => void Object.assign(console, { log, warn, error });
}

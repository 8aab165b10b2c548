import type { OperationKind } from "../change.ts";
import type { WaitOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { sha256 } from "./file.ts";

/** bash, since dash has no /dev/tcp and curl may be missing (but for https): exit code 0 when the port, or the address with 200, answers. */
function probe({ url, certificate }: WaitOperation): string {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  if (protocol === "https:") {
    const ask = `-o /dev/null --max-time 3 ${quote(url)}`;
    if (certificate === undefined) return `curl -fsk ${ask}`;
    return `printf %s ${quote(certificate)} | curl -fs --cacert /dev/stdin ${ask}`;
  }
  const number = port === "" ? "80" : port;
  const open = `exec 3<>/dev/tcp/${hostname}/${number}`;
  const script =
    protocol === "tcp:"
      ? open
      : `${open}; printf 'GET ${pathname}${search} HTTP/1.0\\r\\nHost: ${hostname}\\r\\n\\r\\n' >&3; read -r _ status _ <&3; [ "$status" = 200 ]`;
  return `timeout 3 bash -c ${quote(script)}`;
}

const keyOf = ({ url, certificate = "" }: WaitOperation): string => sha256(`wait ${url}${certificate}`).slice(0, 16);

export const wait: OperationKind<WaitOperation> = {
  needs: (operation) => [{ fact: "command", key: keyOf(operation), script: probe(operation) }],

  plan(operation, facts) {
    const { url, timeout = 60, unit = "" } = operation;
    if (facts.commands[keyOf(operation)] === 0) return undefined;
    return {
      summary: `wait for ${url}`,
      script: `wait_for ${timeout} ${quote(unit)} ${quote(url)} ${quote(probe(operation))}`,
    };
  },

  claims: () => [],
};

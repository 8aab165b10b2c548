import { quote } from "../../src/base/quote.ts";
import { certificateFile } from "./tls.ts";
import { unitName } from "./unit.ts";

/** How the machine itself asks the server: by bash over plain HTTP, since curl may be missing; by curl over TLS, with just that certificate. */
export interface Asking {
  readonly port: number;
  /** The name in the certificate; plain HTTP without. */
  readonly tls?: string | undefined;
}

/**
 * The first account of an empty server becomes its administrator, whoever makes it: so it is made on the machine itself, right after
 * the server's first start. The account's JSON comes on stdin.
 */
export function administratorScripts(asking: Asking): { check: string; apply: string } {
  const { port, tls } = asking;
  const connect = `exec 3<>/dev/tcp/127.0.0.1/${port}`;
  const request = (head: string): string => `${head} HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n`;
  const path = "/api/v4/config/client?format=old";
  const check =
    tls === undefined
      ? `timeout 5 bash -c '${connect}; printf "${request(`GET ${path}`)}\\r\\n" >&3; grep -q "\\"NoAccounts\\":\\"false\\"" <&3'`
      : `${curlOver(port, tls)(path, "--max-time 5")} | grep -q '"NoAccounts":"false"'`;
  const options = `--max-time 60 -o "$R/answer" -w "%{http_code}" -H "Content-Type: application/json" --data-binary @-`;
  const make =
    tls === undefined
      ? `timeout 60 bash -c 'account="$(cat)"
${connect}
printf "${request("POST /api/v4/users")}Content-Type: application/json\\r\\nContent-Length: %s\\r\\n\\r\\n%s" "\${#account}" "$account" >&3
read -r _ status _ <&3
if [ "$status" != 201 ]; then echo "the server answered $status"; tail -n 1 <&3; exit 1; fi'`
      : `status="$(${curlOver(port, tls)("/api/v4/users", options)})" || { cat "$R/answer"; exit 1; }
if [ "$status" != 201 ]; then echo "the server answered $status"; cat "$R/answer"; exit 1; fi`;
  return {
    check,
    // A server that took an install's place, or that is to speak TLS from now on, would be started with its new settings at the role's
    // end only; and then it may turn out to have its accounts.
    apply: `flush; systemctl start ${unitName}
for try in $(seq 120); do if ${pingScript(asking)} 2>/dev/null; then break; fi; sleep 0.5; done
if sh -euc ${quote(check)} </dev/null >/dev/null 2>&1; then exit 0; fi
${make}`,
  };
}

/** sh: exit code 0 when the server says of itself that it is well. */
export function pingScript({ port, tls }: Asking): string {
  const path = "/api/v4/system/ping";
  if (tls !== undefined) return curlOver(port, tls)(path, "-o /dev/null --max-time 5");
  return `timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; printf "GET ${path} HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n" >&3; read -r _ status _ <&3; [ "$status" = 200 ]'`;
}

/** The server on this very machine, by the name in its certificate. */
function curlOver(port: number, name: string): (path: string, options: string) => string {
  return (path, options) =>
    `curl -fsS --cacert ${certificateFile} --connect-to ::127.0.0.1:${port} ${options} "https://${name}:${port}${path}"`;
}

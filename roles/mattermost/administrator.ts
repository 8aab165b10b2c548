import { unitName } from "./unit.ts";

/**
 * The first account of an empty server becomes its administrator, whoever makes it: so it is made on the machine itself, right after
 * the server's first start. bash speaks HTTP here, since curl may be missing; the account's JSON comes on stdin.
 */
export function administratorScripts(port: number): { check: string; apply: string } {
  const connect = `exec 3<>/dev/tcp/127.0.0.1/${port}`;
  const request = (head: string): string => `${head} HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n`;
  return {
    check: `timeout 5 bash -c '${connect}; printf "${request("GET /api/v4/config/client?format=old")}\\r\\n" >&3; grep -q "\\"NoAccounts\\":\\"false\\"" <&3'`,
    // One that took an install's place is started only at the role's end otherwise.
    apply: `reload; systemctl start ${unitName}
timeout 60 bash -c 'account="$(cat)"
until ${connect}; do sleep 0.2; done 2>/dev/null
printf "${request("POST /api/v4/users")}Content-Type: application/json\\r\\nContent-Length: %s\\r\\n\\r\\n%s" "\${#account}" "$account" >&3
read -r _ status _ <&3
if [ "$status" != 201 ]; then echo "the server answered $status"; tail -n 1 <&3; exit 1; fi'`,
  };
}

/** sh: exit code 0 when the server says of itself that it is well. */
export function pingScript(port: number): string {
  return `timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; printf "GET /api/v4/system/ping HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n" >&3; read -r _ status _ <&3; [ "$status" = 200 ]'`;
}

import { expect, test } from "vitest";
import { portsIn } from "./look-at-ports.ts";

test("ports are those for others, but for what a role's own rule lets in", () => {
  const said = `tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*
tcp   LISTEN 0      128             [::]:22           [::]:*
tcp   LISTEN 0      4096       127.0.0.1:5432      0.0.0.0:*
tcp   LISTEN 0      4096               *:9100            *:*
tcp   LISTEN 0      4096         0.0.0.0:8080      0.0.0.0:*
udp   UNCONN 0      0      127.0.0.53%lo:53        0.0.0.0:*
udp   UNCONN 0      0    10.220.1.20%eth0:68       0.0.0.0:*
udp   UNCONN 0      0              [::1]:323          [::]:*
udp   UNCONN 0      0   [fe80::5054]%eth0:546         [::]:*
udp   UNCONN 0      0            0.0.0.0:514       0.0.0.0:*
add rule inet olympus in meta l4proto tcp ct original proto-dst { 8080, 8081 } accept comment "web"
add rule inet olympus out meta l4proto udp ct original proto-dst { 514 } accept comment "out-logs"
`;
  expect(portsIn(said).map(({ transport, port }) => `${port}/${transport}`)).toEqual([
    "22/tcp",
    "22/tcp",
    "9100/tcp",
    "68/udp",
    "514/udp",
  ]);
});

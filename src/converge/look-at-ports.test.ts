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

test("a rule hides its own transport alone, one without a transport both, and one for some peers says who they are", () => {
  const listen = (transport: string, port: number): string => `${transport} UNCONN 0 0 0.0.0.0:${port} 0.0.0.0:*\n`;
  const said = `${[514, 9000, 9100, 9200].flatMap((port) => [listen("tcp", port), listen("udp", port)]).join("")}
add rule inet olympus in meta l4proto tcp ct original proto-dst { 514 } accept comment "logs"
add rule inet olympus in ct original proto-dst { 9000 } accept comment "both"
add rule inet olympus in ip saddr { 10.220.1.7, 10.9.0.0/16 } meta l4proto tcp ct original proto-dst { 9100 } accept comment "some"
add rule inet olympus in ip saddr != { 10.0.0.0/8 } meta l4proto udp ct original proto-dst { 9200 } accept comment "others"
`;
  expect(portsIn(said)).toEqual([
    { transport: "udp", port: 514 },
    { transport: "tcp", port: 9100, letIn: [{ peers: ["10.220.1.7", "10.9.0.0/16"] }] },
    { transport: "udp", port: 9100 },
    { transport: "tcp", port: 9200 },
    { transport: "udp", port: 9200, letIn: [{ except: ["10.0.0.0/8"] }] },
  ]);
});

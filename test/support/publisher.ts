import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface Publisher extends AsyncDisposable {
  /** http://<address>:<port> */
  readonly url: string;
  /** What was asked for, as "GET /path", in order. */
  readonly requests: string[];
  /** Answers of a path: each is used once, the last one stays. */
  readonly routes: Map<string, Answer[]>;
}

/** A publisher's download server on a local port, whose answers a test scripts; `address` where lab machines shall reach it. */
export async function startPublisher(address = "127.0.0.1"): Promise<Publisher> {
  const routes = new Map<string, Answer[]>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const answers = routes.get(request.url ?? "") ?? [];
    // Asking whether it is there at all uses nothing up.
    if (request.method === "HEAD") return void response.writeHead(answers.length > 0 ? 200 : 404).end();
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined) return void response.writeHead(404).end();
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}`,
    requests,
    routes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const whole =
  (body: Buffer | string): Answer =>
  (_request, response) =>
    void response.writeHead(200, { "content-length": Buffer.byteLength(body) }).end(body);

/** Promises the whole and hangs up in the middle. */
export const cutOff =
  (body: Buffer): Answer =>
  (_request, response) => {
    response.writeHead(200, { "content-length": body.length });
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
  };

export const status =
  (code: number): Answer =>
  (_request, response) =>
    void response.writeHead(code).end();

/** Sends half and then nothing more, without hanging up. */
export const stalled =
  (body: Buffer): Answer =>
  (_request, response) => {
    response.writeHead(200, { "content-length": body.length });
    response.write(body.subarray(0, body.length / 2));
  };

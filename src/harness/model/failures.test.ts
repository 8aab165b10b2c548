import { expect, test } from "vitest";
import { toModelError } from "./failures.ts";

/** As `fetch` and the AI SDK throw it: the reason two levels deep. */
function wrapped(code: string, message: string): Error {
  const cause = Object.assign(new Error(message), { code });
  return new Error(`Cannot connect to API: ${message}`, { cause: new TypeError("fetch failed", { cause }) });
}

test.each([
  ["ECONNREFUSED", "connect ECONNREFUSED 10.0.0.1:443"],
  ["ENOTFOUND", "getaddrinfo ENOTFOUND api.tenet.example"],
  ["EAI_AGAIN", "getaddrinfo EAI_AGAIN api.example"],
  ["EHOSTUNREACH", "connect EHOSTUNREACH 10.0.0.1:443"],
  ["ENETUNREACH", "connect ENETUNREACH 10.0.0.1:443"],
])("%s: no request can have got there", (code, message) => {
  expect(toModelError(wrapped(code, message), [])).toMatchObject({ failure: "unreachable", retryable: true });
});

test.each([
  ["ECONNRESET", "read ECONNRESET"],
  ["UND_ERR_SOCKET", "other side closed"],
  ["", "terminated"],
  ["", "socket hang up"],
  ["ETIMEDOUT", "read ETIMEDOUT from api.tenet.example"],
])("%s %s: the model may have worked already", (code, message) => {
  expect(toModelError(wrapped(code, message), [])).toMatchObject({ failure: "connection lost", retryable: true });
});

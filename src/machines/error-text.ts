import type { OlympusError } from "../base/errors.ts";

/** An error as text for places that take nothing else, such as Pulumi's diagnostics: code and cause, place, next step. */
export function errorText({ code, message, where, hint }: OlympusError): string {
  return [
    `${code}: ${message}`,
    ...(where === undefined ? [] : [`  at ${where}`]),
    ...(hint === undefined ? [] : [`  do: ${hint.replaceAll("\n", "\n      ")}`]),
  ].join("\n");
}

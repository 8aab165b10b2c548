import { describe, expect, test } from "vitest";
import { mentions } from "./mention.ts";

const yes: [string, string][] = [
  ["plain", "@athena hello"],
  ["in the middle", "hello @athena, are you there?"],
  ["end of a sentence", "I asked @athena."],
  ["colon", "@athena: do it"],
  ["upper case", "@Athena hello"],
  ["two of them", "@hermes @athena both of you"],
  ["in brackets", "(@athena)"],
  ["bold", "**@athena** please"],
  ["possessive", "@athena's turn"],
  ["after a colon", "cc:@athena"],
  ["after a quotation", "> she said so\n\n@athena is it true?"],
  ["directly below a quotation", "> @athena said so\n@athena did you?"],
  ["after a code block", "```\nls\n```\n@athena what is this?"],
  ["list item", "- @athena\n- @hermes"],
  ["link text", "[@athena](https://example.com)"],
  ["umlauts around", "grüße @athena schön"],
  ["underscore emphasis", "_@athena_"],
  ["unclosed backtick", "a ` and @athena"],
];
const no: [string, string][] = [
  ["A12 longer name with a digit", "@athena2 hello"],
  ["A12 longer name with a hyphen", "@athena-dev hello"],
  ["A12 longer name with a dot", "@athena.io hello"],
  ["A12 longer name with an underscore", "@athena_x hello"],
  ["A12 e-mail", "write to bob@athena.com or bob@athena"],
  ["A12 fenced code", "look\n```\n@athena do it\n```"],
  ["A12 fenced code with a language", "```sh\necho @athena\n```"],
  ["A12 tilde fence", "~~~\n@athena\n~~~"],
  ["A12 unclosed fence", "```\n@athena"],
  ["A12 longer fence holding a shorter one", "````\n```\n@athena\n```\n````"],
  ["A12 inline code", "type `@athena hello` there"],
  ["A12 inline code with two backticks", "type ``@athena ` hello`` there"],
  ["A12 quotation", "> @athena do it"],
  ["A12 nested quotation", " >> @athena do it"],
  ["A12 indented code", "see:\n\n    @athena do it"],
  ["A11 @channel", "@channel hello"],
  ["A11 @all and @here", "@all @here hello"],
  ["no at sign", "athena hello"],
  ["link target", "[see](https://example.com/@athena)"],
  ["bare address", "https://example.com/@athena"],
  ["emoji", ":@athena:"],
  ["empty", ""],
];

describe("mentions", () => {
  test.each(yes)("yes: %s", (_, text) => expect(mentions(text, "athena")).toBe(true));
  test.each(no)("no: %s", (_, text) => expect(mentions(text, "athena")).toBe(false));
});

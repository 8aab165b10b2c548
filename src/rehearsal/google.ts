import {
  type Answer,
  type Asked,
  type AskedMessage,
  isObject,
  listOf,
  objectOf,
  parsed,
  pieces,
  textOf,
  type Wire,
} from "./wire.ts";

const address = /^\/v1beta\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;

/** Gemini's: POST /v1beta/models/<model>:generateContent, or :streamGenerateContent. */
export const google: Wire = {
  name: "google",
  serves: (path) => address.test(path),

  read(body, path) {
    const [, model, method] = address.exec(path)!;
    const given = listOf(body.contents);
    if (given.length === 0) return "* GenerateContentRequest.contents: contents is not specified";
    for (const { role, parts } of given) {
      if (role !== "user" && role !== "model") return "Please use a valid role: user, model.";
      if (listOf(parts).length === 0) return "* GenerateContentRequest.contents.parts: must not be empty";
    }
    const limit = isObject(body.generationConfig) ? body.generationConfig.maxOutputTokens : undefined;
    return {
      model: model!,
      system: isObject(body.systemInstruction) ? textOf(body.systemInstruction.parts) : "",
      messages: given.flatMap(messagesOf),
      tools: listOf(isObject(body.tools) ? [body.tools] : body.tools).flatMap((tool) =>
        listOf(tool.functionDeclarations).map(({ name }) => String(name)),
      ),
      stream: method === "streamGenerateContent",
      limit: typeof limit === "number" ? limit : undefined,
    };
  },

  whole: (answer, asked) => chunk(answer, asked, parts(answer), true),

  *events(answer, asked) {
    const event = (data: object) => `data: ${JSON.stringify(data)}\r\n\r\n`;
    const all = parts(answer);
    for (const part of all) yield event(chunk(answer, asked, [part], false));
    yield event(chunk(answer, asked, [], true));
  },

  refusal({ status, kind, message }) {
    const text =
      kind === "too long"
        ? "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
        : message;
    const name = { 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE" }[status];
    return { error: { code: status, message: text, status: name ?? (status < 500 ? "INVALID_ARGUMENT" : "INTERNAL") } };
  },
};

function parts({ thinking, text, calls }: Answer): object[] {
  return [
    ...pieces(thinking).map((piece) => ({ text: piece, thought: true })),
    ...pieces(text).map((piece) => ({ text: piece })),
    ...calls
      .filter(({ arguments: json }) => isObject(parsed(json)))
      .map(({ name, arguments: json }) => ({
        functionCall: { name, args: objectOf(json) },
        thoughtSignature: "cmVoZWFyc2Vk",
      })),
  ];
}

function chunk(answer: Answer, { model }: Asked, some: readonly object[], last: boolean): object {
  const { finish, usage, calls } = answer;
  const usageMetadata = {
    promptTokenCount: usage.input,
    cachedContentTokenCount: usage.cached,
    candidatesTokenCount: usage.output,
    totalTokenCount: usage.input + usage.output,
  };
  // What Gemini will not answer has no candidate at all.
  if (finish === "declined") return { promptFeedback: { blockReason: "SAFETY" }, usageMetadata, modelVersion: model };
  // Arguments that are no JSON never leave Google: the whole answer ends so.
  const unreadable = calls.some(({ arguments: json }) => !isObject(parsed(json)));
  const reason = unreadable ? "MALFORMED_FUNCTION_CALL" : finish === "limit" ? "MAX_TOKENS" : "STOP";
  const content = { role: "model", parts: some };
  const candidate = { content, index: 0, ...(last ? { finishReason: reason } : {}) };
  return { candidates: [candidate], usageMetadata, modelVersion: model, responseId: answer.id };
}

function messagesOf({ role, parts: given }: Readonly<Record<string, unknown>>): AskedMessage[] {
  const list = listOf(given);
  const text = textOf(given);
  if (role === "model") {
    const calls = list.flatMap(({ functionCall }) =>
      isObject(functionCall) ? [{ name: String(functionCall.name), input: functionCall.args }] : [],
    );
    return [{ role: "assistant", content: text, ...(calls.length === 0 ? {} : { calls }) }];
  }
  const results = list.flatMap(({ functionResponse }): AskedMessage[] => {
    if (!isObject(functionResponse)) return [];
    const { response } = functionResponse;
    const content = isObject(response) && "content" in response ? response.content : response;
    return [{ role: "tool", content: typeof content === "string" ? content : JSON.stringify(content) }];
  });
  return text === "" ? results : [...results, { role: "user", content: text }];
}

import * as z from "zod";
import { type Act, acts } from "./acts.ts";
import { apiRoutes } from "./api.ts";
import { cookieOf } from "./entry.ts";
import { newsKinds } from "./news.ts";
import * as schemas from "./schemas.ts";

const json = (schema: z.ZodType) => ({ content: { "application/json": { schema: shape(schema) } } });
const failed = (description: string) => ({ description, ...json(schemas.errorSchema) });
const closed = {
  401: failed("No token, or none that is known."),
  403: failed("Not with this token, person or origin."),
  429: failed("Too many wrong tokens came from this address."),
};

/** What anybody may ask: how an agent is, in few words. */
function probe(summary: string, body: z.ZodType, words: Readonly<Record<number, string>>): object {
  const responses = Object.entries(words).map(([code, description]) => [code, { description, ...json(body) }]);
  return { get: { summary, security: [], responses: Object.fromEntries(responses) as object } };
}

function shape(schema: z.ZodType, io: "input" | "output" = "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

function parameters(path: string, query: z.ZodType): object[] {
  const { properties = {} } = shape(query, "input") as { properties?: Record<string, object> };
  return [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
    })),
    ...Object.entries(properties).map(([name, schema]) => ({ name, in: "query", required: false, schema })),
  ];
}

/** The API's description, OpenAPI 3.1, made of the schemas that the API itself works by. */
export function openApi(agent: string): object {
  const read = Object.fromEntries(
    apiRoutes.map(({ path, summary, query, response }) => [
      path,
      {
        get: {
          summary,
          parameters: parameters(path, query),
          responses: {
            200: { description: "As asked.", ...json(response) },
            400: failed("A query that is wrong."),
            404: failed("There is no such thing."),
            ...closed,
          },
        },
      },
    ]),
  );
  return {
    openapi: "3.1.0",
    info: { title: `The dashboard of ${agent}`, version: "1" },
    security: [{ token: [] }, { session: [] }],
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: cookieOf(agent) },
      },
    },
    paths: {
      "/healthz": probe("Whether the process answers", schemas.healthSchema, { 200: "It does." }),
      "/readyz": probe("Whether the agent can work", schemas.readySchema, { 200: "`ready`", 503: "`degraded`" }),
      ...read,
      "/api/events": {
        get: {
          summary: "What happens, as server-sent events; Last-Event-ID tells what was missed, each step at least once",
          parameters: [
            {
              name: "kinds",
              in: "query",
              required: false,
              schema: { type: "string", examples: [newsKinds.join(",")] },
            },
            { name: "Last-Event-ID", in: "header", required: false, schema: { type: "integer" } },
          ],
          responses: {
            200: {
              description: "Goes on until it is closed.",
              content: { "text/event-stream": { schema: { type: "string" } } },
            },
            503: failed("Too many streams are open."),
            ...closed,
          },
        },
      },
      "/api/links": {
        post: {
          summary: "A code that signs a person of the team file in, once; scope admin",
          requestBody: { required: true, ...json(schemas.linkSchema) },
          responses: {
            200: { description: "The code.", ...json(schemas.linkAnswerSchema) },
            400: failed("No such person."),
            ...closed,
          },
        },
      },
      ...Object.fromEntries(acts.map((act) => [`/api${act.path.replace(":id", "{id}")}`, actOf(act)])),
      "/api/openapi.json": {
        get: { summary: "This description", responses: { 200: { description: "OpenAPI 3.1." }, ...closed } },
      },
      "/metrics": {
        get: {
          summary: "Figures for Prometheus",
          responses: {
            200: { description: "Text format 0.0.4.", content: { "text/plain": { schema: { type: "string" } } } },
            ...closed,
          },
        },
      },
    },
  };
}

function actOf({ path, summary, forApprovers }: Act): object {
  const who = forApprovers ? "a person who may approve it" : "a person who may give tasks";
  return {
    post: {
      summary: `${summary}; scope act, signed in as ${who}`,
      parameters: parameters(path.replace(":id", "{id}"), schemas.noQuery),
      responses: {
        200: { description: "Done.", ...json(schemas.doneSchema) },
        409: failed("It cannot be done now; why, in words."),
        ...closed,
      },
    },
  };
}

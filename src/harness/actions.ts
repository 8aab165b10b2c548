import { randomUUID } from "node:crypto";
import { audit } from "./audit/audit.ts";
import type { Control } from "./commands.ts";
import type { AgentConfig } from "./config.ts";
import { gateOf } from "./gates/book.ts";
import { answerGate } from "./gates/chat.ts";
import { anew, dashboardSource, type PostPayload } from "./intake.ts";
import { pauseOf, setPause } from "./pause.ts";
import { receive } from "./store/inbox.ts";
import { dropNote } from "./store/memory.ts";
import type { Store } from "./store/open.ts";
import { openIn, workIn } from "./store/work.ts";

/**
 * What a person may do to an agent's work without the chat, also while that is away. `person` is a name of the team file whose right to
 * give tasks was looked at before. What cannot be done is told in words; undefined: it is done.
 */
export interface Actions {
  /** Ends a run for good, and tells its thread. */
  stop(run: string, person: string): Promise<string | undefined>;
  /** Does a mention whose run is over once more, as if `person` had asked. */
  retry(run: string, person: string): string | undefined;
  /** Nothing new is taken up until `resume`, also over restarts; what is under way goes on. */
  pause(person: string): string | undefined;
  resume(person: string): string | undefined;
  /** Opens a gate, or closes it for good: only for those whom it waits for, whatever else they may do. */
  approve(gate: string, person: string): string | undefined;
  refuse(gate: string, person: string): string | undefined;
  /** Deletes a note for good. */
  forget(note: number, person: string): string | undefined;
}

interface ActionParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly clock: { now(): number };
  readonly harness: Pick<Control, "halt"> & { wake(): void };
}

interface Found {
  readonly lane: string;
  readonly kind: string;
  readonly createdAt: number;
  readonly payload: string;
}

export function actionsOf({ config, store, clock, harness }: ActionParts): Actions {
  const find = (run: string) =>
    store.get<Found & object>(
      `SELECT runs.lane, runs.kind, created_at AS createdAt, payload FROM runs JOIN inbox ON inbox.id = runs.inbox WHERE runs.id = ?`,
      run,
    );
  /** Takes in what a person wants, in the conversation of another post. */
  const take = (
    what: string,
    found: Found,
    person: string,
    entry: { lane: string; kind: "mention" | "command" },
    more: Partial<PostPayload>,
  ) => {
    const post = JSON.parse(found.payload) as PostPayload;
    const sourceId = `${what}-${randomUUID()}`;
    const author = idOf(person);
    const createdAt = Math.max(clock.now(), found.createdAt);
    const payload = { ...anew(post, { id: sourceId, authorId: author, createdAt }), ...more };
    receive(store, { ...entry, source: dashboardSource, sourceId, author, createdAt, payload }, clock.now());
  };
  const idOf = (person: string) => config.chat.people.find(({ name }) => name === person)?.id ?? person;
  const noted = (person: string, what: string, subject?: string) =>
    audit(store, { kind: "event", actor: `${dashboardSource}:${person}`, what, subject }, clock.now());

  /** By the same words and rules as in the chat, of the person's own account. */
  const toGate = (word: "approve" | "refuse", id: string, person: string): string | undefined => {
    const before = gateOf(store, id)?.state;
    if (before === undefined) return "There is no such gate.";
    const now = clock.now();
    const place = { channelId: "", rootId: "", direct: false, hops: 0 };
    const post: PostPayload = {
      ...place,
      id: `${dashboardSource}-${randomUUID()}`,
      authorId: idOf(person),
      text: "",
      createdAt: now,
    };
    const said = answerGate({ config, store, clock }, post, { word, id });
    if (gateOf(store, id)?.state === before) return said ?? "Nothing came of it.";
    harness.wake();
    return undefined;
  };

  return {
    approve: (gate, person) => toGate("approve", gate, person),
    refuse: (gate, person) => toGate("refuse", gate, person),

    forget: (note, person) =>
      store.transaction(() => {
        if (!dropNote(store, note)) return "There is no such note.";
        noted(person, "forget", `note #${note}`);
        return undefined;
      }),

    async stop(run, person) {
      const found = find(run);
      if (found === undefined || !openIn(store, { lane: found.lane }).some(({ id }) => id === run))
        return "It is over already.";
      const again = found.kind === "mention" ? " `!retry` begins it again." : "";
      const said = `Stopped by ${person}, on my dashboard.${again}`;
      const tell = () =>
        take("stop", found, person, { lane: `${dashboardSource}:${randomUUID()}`, kind: "command" }, { said });
      await harness.halt({ lane: found.lane }, found.createdAt, `stopped by ${person}`, tell);
      harness.wake();
      return undefined;
    },

    retry(run, person) {
      const found = find(run);
      if (found?.kind !== "mention") return "Only what somebody asked for can be done again.";
      const { running, waiting } = workIn(store, { lane: found.lane });
      if (running > 0) return "Its conversation has work under way.";
      // It may be this very retry, pressed twice: while the agent is paused, say, nothing of it is under way.
      if (waiting > 0) return "Its conversation has work that waits already.";
      const { first, id } = JSON.parse(found.payload) as PostPayload;
      take("retry", found, person, { lane: found.lane, kind: "mention" }, { first: first ?? id });
      harness.wake();
      return undefined;
    },

    pause(person) {
      const paused = pauseOf(store);
      if (paused !== undefined) return `It was paused by ${paused.by} already.`;
      store.transaction(() => {
        setPause(store, { by: person, since: clock.now() });
        noted(person, "pause");
      });
      return undefined;
    },

    resume(person) {
      if (pauseOf(store) === undefined) return "It is not paused.";
      store.transaction(() => {
        setPause(store, undefined);
        noted(person, "resume");
      });
      harness.wake();
      return undefined;
    },
  };
}

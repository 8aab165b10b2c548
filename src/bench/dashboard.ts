import { connect, type Socket } from "node:net";
import { fillPast, fillTexts } from "../../test/support/past.ts";
import { statusTeam } from "../../test/support/status-team.ts";
import { withStep } from "../base/report.ts";
import { script, stylesheet } from "../dashboard/assets.ts";
import { openStore } from "../harness/store/open.ts";
import { teamStatus } from "../status/status.ts";
import { type AgentLab, agentLab } from "./agent-lab.ts";
import { type Benchmark, type Figure, median, percentile } from "./bench.ts";
import { loadNote, othersWork } from "./load.ts";

const runs = 10_000;
const loads = 30;
const streams = 200;
const idleSockets = 1_000;
/** Mentions of each round, in turns with streams open and without. */
const mentions = 25;
const rounds = 4;
const paths = [
  "/",
  "/runs",
  "/runs?text=nowhere&author=bob",
  "/runs?kind=late",
  "/runs/past9999-1",
  "/runs/long49-1",
  "/runs/long49-1/messages",
  "/runs/long49-1/messages/chat/7",
  "/runs/long49-1/changes",
  "/conversations",
  "/conversations/mattermost%3Along",
  "/costs?days=90",
  "/memory",
  "/gates",
  "/log",
  "/settings",
  "/metrics",
];

export const bench: Benchmark = {
  name: "dashboard",
  summary: "pages over 10,000 runs, what 200 streams and 1,000 idle sockets cost, status of 8 agents on 5 hypervisors",

  async run({ reporter, signal }): Promise<Record<string, Figure>> {
    const others = [await othersWork(signal)];
    const lab = await agentLab();
    try {
      const store = openStore(`${lab.folder.dir}/data`);
      await withStep(reporter, `${runs} runs, ${runs * 10} steps`, async () => {
        fillPast(store, runs, 120, Date.now());
        fillTexts(store, Date.now());
        store.close();
        return { value: undefined, summary: "written" };
      });
      const agent = await lab.start();
      const pages = await withStep(reporter, "pages", async () => {
        const value = await pageTimes(lab);
        return { value, summary: `${value.page.toFixed(1)} ms the slowest, ${value.slowest}` };
      });
      // Once through all that a mention needs, before anything is compared.
      await acknowledged(lab, 5);
      const held = await withStep(reporter, "streams and sockets", async () => {
        const before = agent.rssMb();
        const open = await lookOn(lab);
        const value = { rss: agent.rssMb() - before, refused: open.refused() };
        open.close();
        return { value, summary: `${value.rss.toFixed(1)} MB, ${value.refused} sockets refused` };
      });
      const shift = await withStep(reporter, `${2 * rounds * mentions} mentions`, async () => {
        const [plain, watched]: [number[], number[]] = [[], []];
        for (let round = 0; round < rounds; round++) {
          signal.throwIfAborted();
          plain.push(...(await acknowledged(lab, mentions)));
          const open = await lookOn(lab);
          watched.push(...(await acknowledged(lab, mentions)));
          open.close();
        }
        const value = percentile(watched, 0.95) - percentile(plain, 0.95);
        return { value, summary: `p95 ${percentile(plain, 0.95)} and ${percentile(watched, 0.95)} ms` };
      });
      const status = await withStep(reporter, "status of 8 agents on 5 hypervisors", async () => {
        const value = await statusTimes(signal);
        return { value, summary: `${value.toFixed(2)} s` };
      });
      others.push(await othersWork(signal));
      const busy = loadNote(others);
      const note = (words: string) => ({ note: [words, busy].filter((one) => one !== "").join("; ") });
      const lower = { better: "lower" as const };
      return {
        ttfb_ms: {
          value: pages.first,
          unit: "ms",
          bound: 20,
          ...lower,
          ...note(`slowest median: ${pages.slowestFirst}`),
        },
        page_ms: { value: pages.page, unit: "ms", bound: 150, ...lower, ...note(`slowest median: ${pages.slowest}`) },
        page_kb: {
          value: pages.kb,
          unit: "kB",
          bound: 30,
          ...lower,
          note: `heaviest: ${pages.heaviest}; with style and script, not compressed`,
        },
        streams_rss_mb: {
          value: held.rss,
          unit: "MB",
          bound: 20,
          ...lower,
          ...note("200 streams, 1,000 idle sockets"),
        },
        refused_sockets: { value: held.refused, unit: "", better: "higher", bound: 700 },
        ack_shift_ms: { value: shift, unit: "ms", bound: 15, ...lower, ...note("p95, in turns") },
        status_8_s: {
          value: status,
          unit: "s",
          bound: 2,
          ...lower,
          ...note("real sshd, dashboards and libvirt"),
        },
      };
    } finally {
      await lab.end();
    }
  },
};

const urlOf = ({ folder }: AgentLab): string => `http://127.0.0.1:${folder.port}`;
const headersOf = ({ folder }: AgentLab) => ({ authorization: `Bearer ${folder.dashboardToken}`, accept: "text/html" });

async function pageTimes(lab: AgentLab) {
  const firsts = new Map<string, number[]>(paths.map((path) => [path, []]));
  const wholes = new Map<string, number[]>(paths.map((path) => [path, []]));
  const bytes = new Map<string, number>();
  for (let load = 0; load < loads; load++) {
    for (const path of paths) {
      const began = performance.now();
      const response = await fetch(urlOf(lab) + path, { headers: headersOf(lab) });
      firsts.get(path)!.push(performance.now() - began);
      const text = await response.text();
      wholes.get(path)!.push(performance.now() - began);
      if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
      if (path !== "/metrics") bytes.set(path, Buffer.byteLength(text + stylesheet + script));
    }
  }
  const slowest = (all: Map<string, number[]>) =>
    [...all].map(([path, times]) => ({ path, ms: median(times) })).reduce((a, b) => (b.ms > a.ms ? b : a));
  const [first, whole] = [slowest(firsts), slowest(wholes)];
  const [heaviest, weight] = [...bytes].reduce((a, b) => (b[1] > a[1] ? b : a));
  const times = { first: first.ms, slowestFirst: first.path, page: whole.ms, slowest: whole.path };
  return { ...times, heaviest, kb: weight / 1000 };
}

/** Acknowledgement times of mentions one after another, ms. */
async function acknowledged({ team }: AgentLab, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let mention = 0; mention < count; mention++) {
    const post = await team.say(team.people.alice, team.channels.work!, `@athena hello ${mention}`);
    await team.answers(post.id, team.bots.athena!);
    const [reaction] = await team.reactions(post.id);
    times.push(reaction!.create_at - post.create_at);
  }
  return times;
}

/** 200 people who look on, and 1,000 sockets that say nothing: all at once, until `close`. */
async function lookOn(lab: AgentLab): Promise<{ refused: () => number; close: () => void }> {
  const stop = new AbortController();
  await Promise.all(
    Array.from({ length: streams }, async () => {
      const response = await fetch(`${urlOf(lab)}/api/events`, { headers: headersOf(lab), signal: stop.signal });
      if (!response.ok) throw new Error(`a stream: HTTP ${response.status}`);
      const reader = response.body!.getReader();
      await reader.read();
      const readOn = async (): Promise<void> => {
        while (!(await reader.read()).done);
      };
      // Until it is told to stop.
      void readOn().catch(() => undefined);
    }),
  );
  let refused = 0;
  const settled = Array.from({ length: idleSockets }, () => {
    const socket: Socket = connect(lab.folder.port, "127.0.0.1");
    const over = new Promise<void>((resolve) => {
      socket.on("error", () => undefined);
      socket.once("close", () => {
        refused += 1;
        resolve();
      });
      // Those that are let in are cut off later by themselves, as they say nothing.
      socket.once("connect", () => setTimeout(resolve, 1_000).unref());
    });
    return { socket, over };
  });
  await Promise.all(settled.map(({ over }) => over));
  return {
    refused: () => refused,
    close: () => {
      stop.abort();
      for (const { socket } of settled) socket.destroy();
    },
  };
}

async function statusTimes(signal: AbortSignal): Promise<number> {
  const { team, secrets, close } = await statusTeam("127.78.2", undefined, true);
  try {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const began = performance.now();
      const hosts = await teamStatus(team, secrets, signal);
      const running = hosts.flatMap(({ machines = {} }) => Object.values(machines)).filter((one) => one === "running");
      if (running.length !== 8) throw new Error(`libvirt knows of ${running.length} running machines`);
      if (hosts.some(({ state }) => state === "unreachable")) throw new Error("a host was not reached");
      times.push((performance.now() - began) / 1000);
    }
    return median(times);
  } finally {
    await close();
  }
}

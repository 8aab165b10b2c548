import { withStep } from "../base/report.ts";
import { agentLab } from "./agent-lab.ts";
import { type Benchmark, type Figure, percentile } from "./bench.ts";

const mentions = 200;

export const bench: Benchmark = {
  name: "mention",
  summary: "from a mention to its acknowledgement, to the first model request, to the answer",

  async run({ reporter, signal }): Promise<Record<string, Figure>> {
    const lab = await agentLab();
    try {
      const { team, model } = lab;
      await lab.start();
      const acks: number[] = [];
      const requests: number[] = [];
      const answers: number[] = [];
      await withStep(reporter, `${mentions} mentions`, async (step) => {
        for (let mention = 0; mention < mentions; mention++) {
          signal.throwIfAborted();
          const text = `@athena hello, this is mention ${mention}.`;
          const post = await team.say(team.people.alice, team.channels.work!, text);
          const [answer] = await team.answers(post.id, team.bots.athena!);
          const [reaction] = await team.reactions(post.id);
          const call = model.calls.find((one) => JSON.stringify(one.messages.at(-1)).includes(`mention ${mention}.`));
          if (reaction === undefined || call === undefined)
            throw new Error("answered without acknowledgement or model");
          // All three clocks are this machine's: server, model and harness run on it.
          acks.push(reaction.create_at - post.create_at);
          requests.push(call.at - post.create_at);
          answers.push(answer!.create_at - post.create_at);
          if (mention % 50 === 49) step.update(`${mention + 1} answered`);
        }
        return { value: undefined, summary: `p50 ${percentile(answers, 0.5)} ms until answered` };
      });
      const figure = (values: number[], p: number, bound?: number): Figure => ({
        value: percentile(values, p),
        unit: "ms",
        better: "lower",
        ...(bound === undefined ? {} : { bound }),
      });
      return {
        ack_p50_ms: figure(acks, 0.5),
        ack_p95_ms: figure(acks, 0.95, 100),
        first_model_request_p50_ms: figure(requests, 0.5),
        first_model_request_p95_ms: figure(requests, 0.95, 150),
        answer_p95_ms: figure(answers, 0.95),
      };
    } finally {
      await lab.end();
    }
  },
};

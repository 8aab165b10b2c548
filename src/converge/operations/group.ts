import type { OperationKind } from "../change.ts";
import type { GroupOperation } from "../operations.ts";
import { quote } from "../quote.ts";

export const group: OperationKind<GroupOperation> = {
  needs: ({ name }) => [{ fact: "group", name }],

  plan({ name, system = false }, facts) {
    if (facts.groups[name] !== undefined) return undefined;
    return {
      summary: `group ${name}: create`,
      script: `have_group ${quote(name)} || groupadd${system ? " --system" : ""} ${quote(name)}`,
      records: [{ resource: `group:${name}`, undo: { do: "group", name } }],
    };
  },

  claims: ({ name }) => [`group:${name}`],
};

import type { OperationKind } from "../change.ts";
import type { UnitOperation } from "../operations.ts";
import type { TimerOperation } from "../system-operations.ts";
import { together } from "./together.ts";
import { planUnit, unit } from "./unit.ts";

const unitsOf = (operation: TimerOperation): readonly [UnitOperation, UnitOperation] => {
  const { id, name, calendar, run, user, delay = 0, service = [] } = operation;
  const lines = (...list: readonly string[]): string => `${list.join("\n")}\n`;
  return [
    {
      kind: "unit",
      id,
      name: `${name}.service`,
      content: lines(
        "[Service]",
        "Type=oneshot",
        ...(user === undefined ? [] : [`User=${user}`]),
        ...service,
        `ExecStart=${run}`,
      ),
    },
    {
      kind: "unit",
      id,
      name: `${name}.timer`,
      content: lines(
        "[Timer]",
        `OnCalendar=${calendar}`,
        // Missed while the machine was off: caught up with at its start.
        "Persistent=true",
        ...(delay === 0 ? [] : [`RandomizedDelaySec=${delay}`, "FixedRandomDelay=true"]),
        "",
        "[Install]",
        "WantedBy=timers.target",
      ),
      enabled: true,
      running: true,
    },
  ];
};

export const timer: OperationKind<TimerOperation> = {
  needs: (operation) => unitsOf(operation).flatMap((one) => unit.needs(one)),

  plan(operation, facts) {
    const changes = unitsOf(operation).map((one) => planUnit(one, facts, one.name));
    return together(changes.flatMap((change) => change?.summary ?? []).join("; "), changes);
  },

  claims: (operation) => unitsOf(operation).flatMap((one) => unit.claims(one)),
};

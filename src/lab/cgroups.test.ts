import { expect, it } from "vitest";
import { findHierarchies } from "./cgroups.ts";

const line = (type: string, target: string, options: string): string =>
  `${type} ${target} ${type} rw,relatime,${options} 0 0`;

it("uses version 1 hierarchies where the controllers are there, also beside version 2", () => {
  const found = findHierarchies(
    [
      line("cgroup", "/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct"),
      line("cgroup", "/sys/fs/cgroup/memory", "memory"),
      line("cgroup", "/sys/fs/cgroup/systemd", "xattr,name=systemd"),
      line("cgroup2", "/sys/fs/cgroup/unified", "nsdelegate"),
    ].join("\n"),
  );
  expect(found).toEqual({
    version: 1,
    main: "/sys/fs/cgroup/systemd",
    controllers: {
      cpu: "/sys/fs/cgroup/cpu,cpuacct",
      cpuacct: "/sys/fs/cgroup/cpu,cpuacct",
      memory: "/sys/fs/cgroup/memory",
    },
  });
});

it("uses the unified hierarchy where there is nothing else", () => {
  expect(findHierarchies(line("cgroup2", "/sys/fs/cgroup", "nsdelegate"))).toEqual({
    version: 2,
    main: "/sys/fs/cgroup",
    controllers: {},
  });
});

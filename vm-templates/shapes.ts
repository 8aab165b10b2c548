/** A machine's size as people write it in the team file. */
interface Shape {
  readonly memory: string;
  readonly vcpu: number;
  readonly root: string;
  readonly data: string;
}

/**
 * Shapes that every team file may name; its own `templates` add to them or replace them.
 * Disk is root + data = 250 GB: the root is disposable, what an agent knows and clones lives on the data disk.
 */
export const shapes = {
  light: { memory: "8 GB", vcpu: 2, root: "50 GB", data: "200 GB" },
  medium: { memory: "16 GB", vcpu: 4, root: "50 GB", data: "200 GB" },
  heavy: { memory: "32 GB", vcpu: 8, root: "50 GB", data: "200 GB" },
} as const satisfies Readonly<Record<string, Shape>>;

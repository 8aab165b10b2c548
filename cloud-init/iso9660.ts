/** A file of a small read-only image. */
export interface IsoFile {
  /** Lower case letters, digits and hyphens, as it shall appear. */
  readonly name: string;
  readonly content: Uint8Array;
}

const sector = 2048;

/**
 * An ISO 9660 image with `label` and the files in its root folder: what cloud-init's NoCloud source reads.
 * `set` (up to 128 letters) goes to the volume set identifier, which can be read without mounting anything.
 * The same input gives the same bytes (no clock, no random number), so the image can be named by its content.
 *
 * Names are stored as they are: Linux needs neither upper case nor an extension, and so no Rock Ridge records.
 * Throws RangeError when the directory would not fit into one sector.
 */
export function isoImage(label: string, set: string, files: readonly IsoFile[]): Buffer {
  const pathTableL = 18;
  const pathTableM = 19;
  const root = 20;
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  let next = root + 1;
  const placed = sorted.map((file) => {
    const at = next;
    next += Math.max(1, Math.ceil(file.content.length / sector));
    return { ...file, at };
  });
  const image = Buffer.alloc(next * sector);

  const rootRecord = directoryRecord(Buffer.from([0]), root, sector, true);
  primaryDescriptor({ label, set, sectors: next, rootRecord, pathTableL, pathTableM }).copy(image, 16 * sector);
  Buffer.from("\xffCD001\x01", "latin1").copy(image, 17 * sector);
  pathTable(root, "LE").copy(image, pathTableL * sector);
  pathTable(root, "BE").copy(image, pathTableM * sector);

  const records = [
    rootRecord,
    directoryRecord(Buffer.from([1]), root, sector, true),
    ...placed.map((file) => directoryRecord(Buffer.from(file.name, "latin1"), file.at, file.content.length, false)),
  ];
  const directory = Buffer.concat(records);
  if (directory.length > sector) throw new RangeError(`${files.length} files do not fit into one directory sector`);
  directory.copy(image, root * sector);
  for (const file of placed) image.set(file.content, file.at * sector);
  return image;
}

/** Numbers stand twice in most fields, little-endian and big-endian. */
function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}

function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}

function directoryRecord(name: Buffer, at: number, length: number, isDirectory: boolean): Buffer {
  const size = 33 + name.length + ((33 + name.length) % 2);
  const record = Buffer.alloc(size);
  record.writeUInt8(size, 0);
  both32(at).copy(record, 2);
  both32(length).copy(record, 10);
  // 1 January 2000, 00:00: a fixed date keeps the bytes stable.
  Buffer.from([100, 1, 1, 0, 0, 0, 0]).copy(record, 18);
  record.writeUInt8(isDirectory ? 2 : 0, 25);
  both16(1).copy(record, 28);
  record.writeUInt8(name.length, 32);
  name.copy(record, 33);
  return record;
}

function pathTable(root: number, order: "LE" | "BE"): Buffer {
  const table = Buffer.alloc(10);
  table.writeUInt8(1, 0);
  if (order === "LE") {
    table.writeUInt32LE(root, 2);
    table.writeUInt16LE(1, 6);
  } else {
    table.writeUInt32BE(root, 2);
    table.writeUInt16BE(1, 6);
  }
  return table;
}

function primaryDescriptor(volume: {
  label: string;
  set: string;
  sectors: number;
  rootRecord: Buffer;
  pathTableL: number;
  pathTableM: number;
}): Buffer {
  const descriptor = Buffer.alloc(sector);
  const text = (value: string, at: number, length: number): void =>
    void descriptor.write(value.padEnd(length, " "), at, length, "latin1");
  descriptor.write("\x01CD001\x01", 0, "latin1");
  text("", 8, 32);
  text(volume.label, 40, 32);
  both32(volume.sectors).copy(descriptor, 80);
  both16(1).copy(descriptor, 120);
  both16(1).copy(descriptor, 124);
  both16(sector).copy(descriptor, 128);
  both32(10).copy(descriptor, 132);
  descriptor.writeUInt32LE(volume.pathTableL, 140);
  descriptor.writeUInt32BE(volume.pathTableM, 148);
  volume.rootRecord.copy(descriptor, 156);
  text(volume.set, 190, 128);
  text("", 318, 128 * 3);
  text("", 702, 37 * 3);
  // Four dates: none given.
  for (let date = 0; date < 4; date += 1) descriptor.write("0".repeat(16), 813 + 17 * date, "latin1");
  descriptor.writeUInt8(1, 881);
  return descriptor;
}

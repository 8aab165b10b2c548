/** Built here from distribution packages; the recipe's hash is the image's identity. */
export interface RecipeImage {
  readonly kind: "recipe";
  /** Folders under vm-templates, each adding its packages and files to those before it. The last one's lock counts. */
  readonly recipe: readonly string[];
}

/** Downloaded; the sha256 is the image's identity. A publisher's newer build at the same address is refused until a person takes its pin away. */
export interface AddressImage {
  readonly kind: "address";
  readonly url: string;
  /** Unknown until the first download, which takes it from the publisher's `checksums` and pins it. */
  readonly sha256?: string;
  readonly checksums?: string;
}

export type ImageSource = RecipeImage | AddressImage;

/** Images that a machine may name. */
export const images: Readonly<Record<string, ImageSource>> = {
  "debian-12": { kind: "recipe", recipe: ["debian-12"] },
  "debian-12-postgresql": { kind: "recipe", recipe: ["debian-12", "debian-12-postgresql"] },
  "debian-12-cloud": {
    kind: "address",
    url: "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2",
    checksums: "https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS",
  },
  "ubuntu-22.04": {
    kind: "address",
    url: "https://cloud-images.ubuntu.com/releases/22.04/release/ubuntu-22.04-server-cloudimg-amd64.img",
    checksums: "https://cloud-images.ubuntu.com/releases/22.04/release/SHA256SUMS",
  },
  "ubuntu-24.04": {
    kind: "address",
    url: "https://cloud-images.ubuntu.com/releases/24.04/release/ubuntu-24.04-server-cloudimg-amd64.img",
    checksums: "https://cloud-images.ubuntu.com/releases/24.04/release/SHA256SUMS",
  },
};

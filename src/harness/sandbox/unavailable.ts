/** Why no command can be run on this machine, in words for people. Then there are no tools at all; nothing is run bare. */
export class Unavailable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Unavailable";
  }
}

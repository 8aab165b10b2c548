// Shared with the image recipe, which reads the same configuration.
export * from "../images/apt-sources.ts";

/** Certificates as the project makes them, for tests of what shows one. */
export { makeAuthority, makeServerCertificate } from "../../secrets/authority.ts";

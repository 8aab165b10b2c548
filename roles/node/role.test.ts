import { join } from "node:path";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";
import { Secret } from "../../base/secret.ts";
import type { OperationKind } from "../change.ts";
import type { PostgresqlDatabaseOperation, PostgresqlRoleOperation } from "../operations.ts";
import { quoteAll } from "../quote.ts";

const rounds = 4096;

function keysOf(password: string, salt: Buffer, count: number): { stored: Buffer; server: Buffer } {
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, count, 32, "sha256");
  const hmac = (text: string): Buffer => createHmac("sha256", salted).update(text).digest();
  return { stored: createHash("sha256").update(hmac("Client Key")).digest(), server: hmac("Server Key") };
}

/**
 * What PostgreSQL stores for a password: `SCRAM-SHA-256$4096:<salt>$<stored>:<server>`. Made here, so that the server
 * (and its log) never sees the password; the salt comes from name and password, so that equal wishes give equal plans.
 */
export function scramVerifier(name: string, password: string): string {
  const salt = createHmac("sha256", password).update(`postgresql role ${name}`).digest().subarray(0, 16);
  const { stored, server } = keysOf(password, salt, rounds);
  return `SCRAM-SHA-256$${rounds}:${salt.toString("base64")}$${stored.toString("base64")}:${server.toString("base64")}`;
}

/** Whether `password` belongs to a stored verifier. */
export function fitsVerifier(verifier: string, password: string): boolean {
  const [, count, salt, stored] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(verifier) ?? [];
  if (count === undefined || salt === undefined || stored === undefined) return false;
  const mine = keysOf(password, Buffer.from(salt, "base64"), Number(count)).stored;
  const theirs = Buffer.from(stored, "base64");
  return mine.length === theirs.length && timingSafeEqual(mine, theirs);
}

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`;

export const postgresqlRole: OperationKind<PostgresqlRoleOperation> = {
  needs: ({ name }) => [{ fact: "postgresql", role: name }],

  plan({ name, password }, facts) {
    const verifier = facts.postgresql?.roles[name];
    if (verifier !== undefined && (password === undefined || fitsVerifier(verifier, password.reveal()))) {
      return undefined;
    }
    const make = `do $do$ begin if not exists (select from pg_roles where rolname = ${literal(name)}) then create role ${identifier(name)} login; end if; end $do$;`;
    const set =
      password === undefined
        ? ""
        : `alter role ${identifier(name)} password ${literal(scramVerifier(name, password.reveal()))};`;
    const saved = `verifier-${createHash("sha256").update(`${name} ${verifier}`).digest("hex").slice(0, 16)}`;
    return {
      summary: `database role ${name}: ${verifier === undefined ? "create" : "set password"}`,
      script: `${verifier === undefined ? "" : `keep_verifier ${quoteAll([name, saved])}\n`}postgres_sql <"$F"/sql`,
      uploads: [
        { name: "sql", content: password === undefined ? make : new Secret(password.name, `${make}\n${set}\n`) },
      ],
      records: [
        verifier === undefined
          ? { resource: `postgresql-role:${name}`, undo: { do: "postgresql-role", name } }
          : {
              resource: `postgresql-password:${name}`,
              undo: {
                do: "command",
                summary: `database role ${name}: its password of before, if it had one`,
                script: `restore_verifier ${quoteAll([name, saved])}`,
              },
            },
      ],
    };
  },

  claims: ({ name, password }) => [
    `postgresql-role:${name}`,
    ...(password === undefined ? [] : [`postgresql-password:${name}`]),
  ],
};

export const postgresqlDatabase: OperationKind<PostgresqlDatabaseOperation> = {
  needs: ({ name }) => [{ fact: "postgresql", database: name }],

  plan({ name, owner }, facts) {
    const have = facts.postgresql?.databases[name];
    if (have === owner) return undefined;
    if (have !== undefined) {
      return {
        summary: `database ${name}: owner ${have} -> ${owner}`,
        script: 'postgres_sql <"$F"/sql',
        uploads: [{ name: "sql", content: `alter database ${identifier(name)} owner to ${identifier(owner)};\n` }],
        records: [
          {
            resource: `postgresql-owner:${name}`,
            undo: {
              do: "command",
              summary: `database ${name}: ${have}'s again`,
              script: `give_database ${quoteAll([name, have])}`,
            },
            keepsData: true,
          },
        ],
      };
    }
    const create = `create database ${identifier(name)} owner ${identifier(owner)} template template0 encoding 'UTF8' lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8'`;
    return {
      summary: `database ${name}: create`,
      script: 'postgres_sql <"$F"/sql',
      // \\gexec: databases cannot be made inside a block, and may be there already when a run is taken up again.
      uploads: [
        {
          name: "sql",
          content: `select ${literal(create)} where not exists (select from pg_database where datname = ${literal(name)}) \\gexec\n`,
        },
      ],
      records: [{ resource: `postgresql-database:${name}`, undo: { do: "postgresql-database", name } }],
    };
  },

  claims: ({ name }) => [`postgresql-database:${name}`, `postgresql-owner:${name}`],
};

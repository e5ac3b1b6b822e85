// Better Auth on Node's HTTP server, as its documentation advises. Settings: DATABASE_URL, PORT, COOKIE_CACHE=on|off.
import { createServer } from "node:http";

import { betterAuth } from "better-auth";
import { toNodeHandler } from "better-auth/node";
import pg from "pg";

import { hashSecret, verifySecret } from "./argon2.js";

const url = `http://127.0.0.1:${process.env.PORT}`;
const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL, max: 10, options: "-c search_path=better_auth",
});
const auth = betterAuth({
  baseURL: url,
  secret: process.env.BETTER_AUTH_SECRET,
  database: pool,
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  advanced: { useSecureCookies: false },
  emailAndPassword: {
    enabled: true,
    password: { hash: hashSecret, verify: ({ password, hash }) => verifySecret(password, hash) },
  },
  session: { cookieCache: { enabled: process.env.COOKIE_CACHE === "on", maxAge: 3600 } },
});
if (process.argv[2] === "migrate") {
  const { getMigrations } = await import("better-auth/db/migration");
  await (await getMigrations(auth.options)).runMigrations();
  await pool.end();
} else {
  createServer(toNodeHandler(auth)).listen(Number(process.env.PORT), "127.0.0.1");
}

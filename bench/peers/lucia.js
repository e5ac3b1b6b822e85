// Lucia 2 with CASL on Fastify, as their documentation advises. Settings: DATABASE_URL, PORT.
import { defineAbility, subject } from "@casl/ability";
import { pg as postgresAdapter } from "@lucia-auth/adapter-postgresql";
import Fastify from "fastify";
import { lucia } from "lucia";
import { fastify as fastifyMiddleware } from "lucia/middleware";
import pg from "pg";

import { hashSecret, verifySecret } from "./argon2.js";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const auth = lucia({
  adapter: postgresAdapter(pool, { user: "lucia.auth_user", session: "lucia.user_session", key: "lucia.user_key" }),
  middleware: fastifyMiddleware(),
  env: "DEV",
  getUserAttributes: ({ email, name }) => ({ email, name }),
  passwordHash: { generate: hashSecret, validate: verifySecret },
});

const MEMBERSHIPS = "SELECT language_code, roles FROM lucia.language_members WHERE user_id = $1";
const LANGUAGE = "SELECT code, name, autonym, text_direction FROM lucia.languages WHERE code = $1";

async function abilityOf(user) {
  const { rows } = await pool.query(MEMBERSHIPS, [user.userId]);
  const codes = rows.map((row) => row.language_code);
  const ofRole = (role) => rows.filter((row) => row.roles.includes(role)).map((row) => row.language_code);
  return defineAbility((can, cannot) => {
    can(["read", "update"], "User", { id: user.userId });
    cannot("update", "User", ["platformRole", "status"], { id: user.userId });
    can(["read", "update", "delete"], ["Session", "Key"], { userId: user.userId });
    can("read", "Language", { code: { $in: codes } });
    can("read", "Translation", { languageCode: { $in: codes } });
    can("translate", "Language", { code: { $in: ofRole("translator") } });
    can("administer", "Language", { code: { $in: ofRole("admin") } });
  });
}

const app = Fastify();
app.get("/bare", async () => ({ status: "ok" }));
app.get("/api/session", async (request, reply) => {
  const session = await auth.handleRequest(request, reply).validate();
  if (!session) return { user: null };
  const ability = await abilityOf(session.user);
  return { user: session.user, session: { id: session.sessionId }, rules: ability.rules };
});
app.get("/api/languages/:code", async (request, reply) => {
  const session = await auth.handleRequest(request, reply).validate();
  if (!session) return reply.code(401).send();
  const ability = await abilityOf(session.user);
  if (!ability.can("read", subject("Language", { code: request.params.code }))) return reply.code(403).send();
  const { rows } = await pool.query(LANGUAGE, [request.params.code]);
  return rows[0];
});
app.post("/api/session", async (request, reply) => {
  const key = await auth.useKey("email", request.body.email, request.body.secret);
  const session = await auth.createSession({ userId: key.userId, attributes: {} });
  auth.handleRequest(request, reply).setSession(session);
  return reply.code(201).send({ userId: key.userId });
});
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });

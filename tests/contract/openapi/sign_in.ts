// Signs in through a client that is generated from the OpenAPI document, and prints what the answers say.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [baseUrl, email, secret] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl });

const refused = await client.POST("/api/session", { body: { method: "password", email, secret: `not ${secret}` } });
const code: components["schemas"]["Problem"]["code"] | undefined = refused.error?.code;

const signedIn = await client.POST("/api/session", { body: { method: "password", email, secret } });
const cookie = signedIn.response.headers.getSetCookie().find((text) => text.startsWith("auth_session="));
const token = cookie?.split(";")[0]?.slice("auth_session=".length);

const headers = { Authorization: `Bearer ${token}` };
const session = await client.GET("/api/session", { headers });
const rules: components["schemas"]["RawRule"][] = session.data?.rules ?? [];
const keys = await client.GET("/api/keys", { headers, params: { query: { limit: 1 } } });
const page: components["schemas"]["KeyPage"] | undefined = keys.data;
const signedOut = await client.DELETE("/api/session", { headers });

console.log(JSON.stringify({
  code,
  email: session.data?.user?.email,
  actions: rules.every((rule) => rule.action.length > 0) && rules.length > 0,
  keys: page?.items.length,
  statuses: [signedIn, session, keys, signedOut].map(({ response }) => response.status),
}));

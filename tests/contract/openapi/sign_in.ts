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

// The bodies that the documents call minimal compile: what may be left out is left out.
const wanted: components["schemas"]["RequestKeyInput"] = { purpose: "password_reset", email };
const asked = await client.POST("/api/keys", { body: wanted });
const redeemed = await client.POST("/api/keys/redeem", {
  body: { purpose: "password_reset", email, code: "00000000", flow: asked.data?.flow, secret },
});
const text: components["schemas"]["NewText"] = { text: "Guten Tag" };
const batch: components["schemas"]["Batch"] = { items: [{ key: "home.title", version: null, ...text }] };

const headers = { Authorization: `Bearer ${token}` };
const session = await client.GET("/api/session", { headers });
const rules: components["schemas"]["RawRule"][] = session.data?.rules ?? [];
const keys = await client.GET("/api/keys", { headers, params: { query: { limit: 1 } } });
const ended: components["schemas"]["SessionEndView"] | null | undefined = session.data?.ended;
const page: components["schemas"]["KeyPage"] | undefined = keys.data;
const signedOut = await client.DELETE("/api/session", { headers });

console.log(JSON.stringify({
  code,
  email: session.data?.user?.email,
  actions: rules.every((rule) => rule.action.length > 0) && rules.length > 0,
  keys: page?.items.length,
  minimal: [asked.response.status, redeemed.error?.code, batch.items.length],
  ended,
  statuses: [signedIn, session, keys, signedOut].map(({ response }) => response.status),
}));

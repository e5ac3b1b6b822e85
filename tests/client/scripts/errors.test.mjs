import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import test from "node:test";
import { createOstiary, OstiaryError } from "@ostiary/client";
import { page, refusal, SECRET, signedIn, staleBrowser } from "./browser.mjs";

test("without texts an error has the words of the service, in the language of the browser", async () => {
  const error = await refusal(page().signIn({ method: "password", email: "ada@example.org", secret: `not ${SECRET}` }));
  assert.ok(error instanceof OstiaryError);
  assert.deepEqual([error.code, error.status], ["invalid_credentials", 401]);
  assert.equal(error.text(), "Die E-Mail-Adresse oder das Passwort stimmt nicht.");
});

test("with texts an error and its fields have their words", async () => {
  const { default: texts } = await import("@ostiary/client/texts/en");
  const ada = await signedIn("ada@example.org", undefined, { texts });
  const error = await refusal(ada.completeProfile({ phone: "123" }));
  assert.equal(error.text(), "Please check what you have entered.");
  assert.match(error.fields.phone, /^Enter the number with its country code/);
});

test("a refusal says after how many seconds to try again", async () => {
  const ostiary = page(undefined, { headers: { "X-Forwarded-For": "203.0.113.9" } });
  const request = () => ostiary.requestKey({ email: "retry@example.org", purpose: "password_reset" });
  let error = null;
  for (let number = 0; number < 40 && !error; number++) error = await request().then(() => null, (refused) => refused);
  assert.equal(error.code, "too_many_requests");
  assert.ok(error.retryAfter > 0 && error.retryAfter <= 3600);
});

test("what a proxy answers while the service is away is an error too", async () => {
  const proxy = createServer((_, response) => response.writeHead(502, { "Content-Type": "text/html" }).end("<h1>Bad"));
  await once(proxy.listen(0), "listening");
  const ostiary = createOstiary({ baseUrl: `http://127.0.0.1:${proxy.address().port}` });
  const error = await refusal(ostiary.session());
  assert.deepEqual([error.code, error.status], ["temporarily_unavailable", 502]);
  assert.equal((await refusal(ostiary.unwrap(ostiary.api.GET("/api/config")))).status, 502);
  proxy.closeAllConnections();
  proxy.close();
});

test("a call with a stale proof is refused if the user does not prove who they are", async () => {
  const ostiary = page(staleBrowser(), { stepUp: async () => false });
  assert.equal((await refusal(ostiary.setPassword(SECRET))).code, "reauthentication_required");
});

test("a call with a stale proof asks the user, and is repeated", async () => {
  const browser = staleBrowser();
  let asked = 0;
  const stepUp = async () => {
    asked += 1;
    await ostiary.reauthenticate({ method: "password", secret: SECRET });
    return true;
  };
  const ostiary = page(browser, { stepUp });
  const session = await ostiary.setPassword(SECRET);
  assert.deepEqual([asked, session.user.email], [1, "stale@example.org"]);
  assert.equal(browser.count("PUT /api/keys/primary/secret"), 2);
});

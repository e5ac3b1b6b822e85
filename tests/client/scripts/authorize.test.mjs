import assert from "node:assert/strict";
import test from "node:test";
import { createAuthorize } from "@ostiary/client/authorize";
import { createAuthorize as forReactRouter, refusedBy } from "@ostiary/client/react-router";
import { createAuthorize as forSvelteKit } from "@ostiary/client/sveltekit";
import { isHttpError, isRedirect } from "@sveltejs/kit";
import { createStaticHandler } from "react-router";
import { Browser, page, refusal, SECRET, signedIn, staleBrowser } from "./browser.mjs";

const at = (path, params = {}) => ({ request: new Request(`https://app.example.org${path}`), params });
const OWN = { action: "translate", subject: "Language", id: ({ params }) => params.code };

test("authorize returns a loader, which runs only for those who may", async () => {
  let ran = 0;
  const loader = createAuthorize(await signedIn("ada@example.org"))(OWN, ({ params }) => ((ran += 1), params.code));
  assert.equal(typeof loader, "function");
  assert.equal(ran, 0);
  assert.equal(await loader(at("/de", { code: "de" })), "de");
  assert.equal((await refusal(loader(at("/fr", { code: "fr" })))).status, 403);
  assert.equal(ran, 1);
});

test("an id that is missing from the arguments is denied, although some language is allowed", async () => {
  const authorize = createAuthorize(await signedIn("ada@example.org"));
  assert.equal(await authorize({ action: "translate", subject: "Language", any: true }, () => 1)(at("/")), 1);
  for (const id of [undefined, null, () => undefined, () => null]) {
    const refused = await refusal(authorize({ action: "translate", subject: "Language", id }, () => 1)(at("/")));
    assert.equal(refused.status, 403);
  }
});

test("who is anonymous is led to sign in, and back", async () => {
  const authorize = createAuthorize(page(undefined, { signInUrl: "https://id.example.org/sign-in?theme=dark" }));
  const { status, headers } = await refusal(authorize(OWN, () => 1)(at("/de?tab=2", { code: "de" })));
  const back = encodeURIComponent("https://app.example.org/de?tab=2");
  assert.deepEqual([status, headers.get("Location")], [302, `https://id.example.org/sign-in?theme=dark&return_to=${back}`]);
});

test("who has an incomplete profile is led to complete it", async () => {
  const authorize = createAuthorize(await signedIn("newcomer@example.org"));
  for (const requirement of [OWN, { onboarded: true }]) {
    const { headers } = await refusal(authorize(requirement, () => 1)(at("/de", { code: "de" })));
    assert.match(headers.get("Location"), /^\/onboarding\?return_to=/);
  }
  assert.equal(await authorize({ signedIn: true }, () => 1)(at("/account")), 1);
});

test("who is refused gets the policy's reason", async () => {
  const authorize = createAuthorize(await signedIn("root@example.org"));
  const refused = await refusal(authorize(OWN, () => 1)(at("/de", { code: "de" })));
  assert.deepEqual(await refused.json(), { code: "forbidden", reason: "Only a translator of the language may translate it" });
});

test("whose proof is stale is led to prove again, by a page or by a function", async () => {
  const question = { signedIn: true, stepUp: true };
  const byPage = createAuthorize(page(staleBrowser(), { stepUp: "/confirm" }));
  assert.match((await refusal(byPage(question, () => 1)(at("/danger")))).headers.get("Location"), /^\/confirm\?return_to=/);
  const ostiary = page(staleBrowser(), {
    stepUp: async () => (await ostiary.reauthenticate({ method: "password", secret: SECRET })) !== null,
  });
  assert.equal(await createAuthorize(ostiary)(question, () => 1)(at("/danger")), 1);
  const unwilling = page(staleBrowser(), { stepUp: async () => false });
  assert.equal((await refusal(createAuthorize(unwilling)(question, () => 1)(at("/danger")))).status, 403);
});

test("a yes needs no further request, and a no is given only after the session was read again", async () => {
  const browser = new Browser();
  const ostiary = await signedIn("ada@example.org", browser);
  const authorize = createAuthorize(ostiary);
  for (let number = 0; number < 10; number++) await authorize(OWN, () => 1)(at("/de", { code: "de" }));
  assert.equal(browser.count("GET /api/session"), 0);
  const stale = { ...ostiary.state().session, rules: [] };
  const outdated = page(browser, { session: stale });
  assert.equal(await createAuthorize(outdated)(OWN, () => 1)(at("/de", { code: "de" })), 1);
});

test("what the service refuses inside a loader leads as if it were known before", async () => {
  const signedOut = await signedIn("eve@example.org");
  const known = { ...signedOut.state().session };
  await signedOut.signOut();
  const gone = page(new Browser(), { session: known });
  const load = () => gone.unwrap(gone.api.GET("/api/sessions"));
  assert.match((await refusal(createAuthorize(gone)({ signedIn: true }, load)(at("/")))).headers.get("Location"), /^\/sign-in/);
  const eve = await signedIn("eve@example.org");
  const users = () => eve.unwrap(eve.api.GET("/api/users"));
  assert.equal((await refusal(createAuthorize(eve)({ signedIn: true }, users)(at("/")))).status, 403);
  const broken = () => { throw new Error("mine"); };
  await assert.rejects(createAuthorize(eve)({ signedIn: true }, broken)(at("/")), { message: "mine" });
});

test("on a server each request asks with its own cookie", async () => {
  const [ada, eve] = [new Browser(), new Browser()];
  await signedIn("ada@example.org", ada);
  await signedIn("eve@example.org", eve);
  const authorize = createAuthorize(({ request }) =>
    page(new Browser(), { headers: { Cookie: request.headers.get("Cookie") ?? "" } }),
  );
  const loader = authorize(OWN, () => 1);
  const asked = ({ jar }) => {
    const headers = { Cookie: `auth_session=${jar.get("auth_session")}` };
    return { request: new Request("https://app.example.org/de", { headers }), params: { code: "de" } };
  };
  assert.equal(await loader(asked(ada)), 1);
  assert.equal((await refusal(loader(asked(eve)))).status, 403);
});

test("React Router renders the error of a refused route, and follows the redirect", async () => {
  const routes = (ostiary, options) => [
    { path: "/:code", loader: forReactRouter(ostiary, options)(OWN, () => ({ ok: true })), Component: () => null },
  ];
  const query = async (ostiary, options) =>
    createStaticHandler(routes(ostiary, options)).query(new Request("https://app.example.org/de"));
  assert.deepEqual((await query(await signedIn("ada@example.org"))).loaderData["0"], { ok: true });
  const { errors, statusCode } = await query(await signedIn("root@example.org"));
  assert.equal(statusCode, 403);
  assert.equal(refusedBy(errors["0"]).reason, "Only a translator of the language may translate it");
  assert.equal(refusedBy(new Error("mine")), null);
  const redirect = await query(page(), { reloadDocument: true });
  assert.equal(redirect.headers.get("X-Remix-Reload-Document"), "true");
  assert.equal((await query(page())).headers.get("X-Remix-Reload-Document"), null);
});

test("SvelteKit gets its own redirect and error", async () => {
  const event = { url: new URL("https://app.example.org/de"), params: { code: "de" } };
  const authorize = async (ostiary) => forSvelteKit(ostiary)(OWN, () => 1)(event);
  assert.equal(await authorize(await signedIn("ada@example.org")), 1);
  const redirect = await refusal(authorize(page()));
  assert.ok(isRedirect(redirect));
  assert.equal(redirect.location, `/sign-in?return_to=${encodeURIComponent(event.url.href)}`);
  const error = await refusal(authorize(await signedIn("root@example.org")));
  assert.ok(isHttpError(error, 403));
  assert.equal(error.body.message, "Only a translator of the language may translate it");
});


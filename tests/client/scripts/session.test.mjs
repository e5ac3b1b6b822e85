import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout } from "node:timers/promises";
import { Browser, page, refusal, SECRET, signedIn } from "./browser.mjs";

test("any number of askers cause one request", async () => {
  const browser = new Browser();
  const ostiary = page(browser);
  const sessions = await Promise.all(Array.from({ length: 50 }, () => ostiary.session()));
  assert.equal(browser.count("GET /api/session"), 1);
  assert.ok(sessions.every((one) => one === sessions[0]));
  assert.equal(ostiary.state().status, "signedOut");
});

test("an unchanged session is the same object, is not told to subscribers, and has no body", async () => {
  const ostiary = await signedIn("ada@example.org");
  const first = await ostiary.refresh();
  let told = 0;
  const stop = ostiary.subscribe(() => (told += 1));
  assert.equal(await ostiary.refresh(), first);
  assert.equal(told, 0);
  stop();
});

test("signing in and out is told at once, without a further request", async () => {
  const browser = new Browser();
  const ostiary = page(browser);
  const told = [];
  const stop = ostiary.subscribe(() => told.push(ostiary.state().status));
  await ostiary.session();
  await ostiary.signIn({ method: "password", email: "ada@example.org", secret: SECRET });
  assert.equal(ostiary.can("translate", "Language", "de"), true);
  await ostiary.signOut();
  assert.equal(ostiary.can("translate", "Language", "de"), false);
  assert.deepEqual(told, ["signedOut", "signedIn", "signedOut"]);
  assert.equal(browser.count("GET /api/session"), 1);
  stop();
});

test("an answer from before signing out does not sign in again", async () => {
  const browser = new Browser();
  const ostiary = await signedIn("ada@example.org", browser);
  const reading = ostiary.refresh();
  await ostiary.signOut();
  await reading;
  assert.equal(ostiary.state().status, "signedOut");
});

test("a reading that is asked for after a change begins after it", async () => {
  const browser = new Browser();
  const ostiary = await signedIn("eve@example.org", browser);
  const before = ostiary.refresh();
  const [one, another] = [ostiary.refresh(), ostiary.refresh()];
  assert.equal(one, another);
  await Promise.all([before, one]);
  assert.equal(browser.count("GET /api/session"), 2);
});

test("a session that was ended elsewhere is signed out after a refused call, and says why", async () => {
  const laptop = new Browser();
  const ostiary = await signedIn("eve@example.org", laptop);
  const phone = await signedIn("eve@example.org");
  await phone.unwrap(phone.api.DELETE("/api/sessions"));
  const stopped = new Promise((resolve) => ostiary.subscribe(() => resolve()));
  const error = await refusal(ostiary.unwrap(ostiary.api.GET("/api/sessions")));
  assert.equal(error.code, "not_signed_in");
  await stopped;
  assert.equal(ostiary.state().status, "signedOut");
  assert.equal(ostiary.state().session.ended.reason, "revoked");
  assert.ok(laptop.count("GET /api/session") >= 2, "asked twice");
});

test("a failure keeps what is known, and is told until the next success", async () => {
  const browser = new Browser();
  let away = false;
  const fetch = (...request) => (away ? Promise.reject(new TypeError("away")) : browser.fetch(...request));
  const ostiary = await signedIn("ada@example.org", browser, { fetch });
  away = true;
  await refusal(ostiary.refresh());
  assert.equal(ostiary.state().status, "signedIn");
  assert.ok(ostiary.state().error instanceof TypeError);
  away = false;
  await ostiary.refresh();
  assert.equal(ostiary.state().error, null);
});

test("another tab is signed out within 200 ms, and signed in with it", async () => {
  const browser = new Browser();
  const one = await signedIn("ada@example.org", browser);
  const other = page(browser);
  const stop = other.subscribe(() => {});
  await other.session();
  const alive = setInterval(() => {}, 1000); // a channel alone does not keep Node.js running
  const changed = () => new Promise((resolve) => { const end = other.subscribe(() => (end(), resolve())); });
  const out = changed();
  const before = performance.now();
  await one.signOut();
  await out;
  assert.ok(performance.now() - before < 200);
  assert.equal(other.state().status, "signedOut");
  const again = changed();
  await one.signIn({ method: "password", email: "ada@example.org", secret: SECRET });
  await again;
  assert.equal(other.state().session.user.email, "ada@example.org");
  clearInterval(alive);
  stop();
});

test("reads beside renewals never say that nobody is signed in", async (t) => {
  const READS = process.env.OSTIARY_LONG ? 1000 : 200;
  const jar = new Map();
  const renewing = await signedIn("ada@example.org", new Browser(jar));
  const seen = [];
  let [reads, requests, renewed] = [0, 0, false];
  async function read() {
    const browser = new Browser(jar);
    const tab = page(browser);
    const stop = tab.subscribe(() => seen.push(tab.state().status));
    await tab.session();
    for (let number = 1; reads < READS || !renewed; number++) {
      if (number % 5 === 0) browser.slow = 120; // two renewals overtake it
      await tab.refresh();
      reads += 1;
      await setTimeout(5);
    }
    requests += browser.count("GET /api/session") - 1;
    stop();
  }
  async function renew() {
    for (let number = 0; number < 20; number++) {
      await renewing.reauthenticate({ method: "password", secret: SECRET });
      await setTimeout(40);
    }
    renewed = true;
  }
  await Promise.all([renew(), ...Array.from({ length: 10 }, read)]);
  t.diagnostic(`${reads} reads, of which ${requests - reads} were asked twice, beside 20 renewals`);
  assert.ok(requests > reads, "some were overtaken by two renewals");
  assert.deepEqual(seen.filter((status) => status !== "signedIn"), []);
});

test("a call that a renewal has overtaken is repeated", async () => {
  const browser = new Browser();
  const ostiary = await signedIn("ada@example.org", browser);
  const before = browser.jar.get("auth_session");
  await ostiary.reauthenticate({ method: "password", secret: SECRET });
  const present = browser.jar.get("auth_session");
  browser.jar.set("auth_session", before);
  const asked = ostiary.unwrap(ostiary.api.PATCH("/api/users/{userId}", { params: { path: { userId: "me" } }, body: { name: "Ada" } }));
  await setTimeout(20);
  browser.jar.set("auth_session", present);
  assert.equal((await asked).name, "Ada");
  assert.equal(browser.count("PATCH /api/users/me"), 2);
});

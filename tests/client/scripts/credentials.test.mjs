import assert from "node:assert/strict";
import test from "node:test";
import { Browser, codeIn, mailAfter, page, refusal, SECRET, signedIn, tokenIn } from "./browser.mjs";

const NEW_SECRET = "nine herons over the old canal";
let number = 0;

/** A new user, who has accepted an invitation. */
async function invited(browser) {
  const email = `user${process.pid}x${number++}@example.org`;
  const root = await signedIn("root@example.org");
  const mail = await mailAfter(email, () => root.unwrap(root.api.POST("/api/users", { body: { email, name: "New" } })));
  const ostiary = page(browser);
  const token = tokenIn(mail);
  const { purpose, needs } = await ostiary.inspect(token);
  assert.deepEqual([purpose, needs], ["invitation", ["secret"]]);
  await ostiary.redeem({ token, secret: SECRET });
  return { email, ostiary };
}

test("an invitation is inspected, redeemed, and signs in", async () => {
  const browser = new Browser();
  const { email, ostiary } = await invited(browser);
  assert.equal(ostiary.state().session.user.email, email);
  assert.equal(browser.count("GET /api/session"), 0);
});

test("a code signs in, and a wrong one tells in words how many tries are left", async () => {
  const { default: texts } = await import("@ostiary/client/texts/en");
  const browser = new Browser();
  const ostiary = page(browser, { texts });
  const mail = await mailAfter("paul@example.org", () => ostiary.requestKey({ email: "paul@example.org" }));
  const wrong = codeIn(mail) === "00000000" ? "11111111" : "00000000";
  const error = await refusal(ostiary.signIn({ method: "code", email: "paul@example.org", code: wrong }));
  assert.equal(error.code, "key_not_usable");
  assert.match(error.text(), /^That code is not right\. 4 tries left\. A code works for 10 minutes\.$/);
  await ostiary.signIn({ method: "code", email: "paul@example.org", code: codeIn(mail) });
  assert.equal(ostiary.state().session.user.name, "Paul");
});

test("a profile is completed, and the rules follow", async () => {
  const ostiary = await signedIn("newcomer@example.org");
  assert.deepEqual(ostiary.state().session.onboarding.fields, ["name"]);
  assert.equal(ostiary.can("translate", "Language", "de"), false);
  const error = await refusal(ostiary.completeProfile({ name: "\u200b" }));
  assert.deepEqual([error.status, Object.keys(error.fields)], [422, ["name"]]);
});

test("a changed password ends other sessions, and this one goes on", async () => {
  const browser = new Browser();
  const { email, ostiary } = await invited(browser);
  const other = await signedIn(email);
  const session = await ostiary.setPassword(NEW_SECRET);
  assert.equal(session.user.email, email);
  assert.equal((await other.refresh()).user, null);
  const refused = await refusal(page().signIn({ method: "password", email, secret: SECRET }));
  assert.equal(refused.code, "invalid_credentials");
});

test("an address is changed by the code that is mailed to the new one", async () => {
  const { email, ostiary } = await invited(new Browser());
  const changed = `new-${email}`;
  const mail = await mailAfter(changed, () => ostiary.changeEmail(changed));
  const { user } = await ostiary.redeem({ purpose: "email_change", email: changed, code: codeIn(mail) });
  assert.equal(user.email, changed);
  assert.equal(ostiary.state().session.user.email, changed);
});

test("sessions are listed, and all of them are signed out", async () => {
  const { email, ostiary } = await invited(new Browser());
  const other = await signedIn(email);
  const listed = [];
  for await (const session of ostiary.sessions()) listed.push(session);
  assert.equal(listed.length, 2);
  assert.equal(ostiary.can("delete", "Session", listed[0]), true);
  await ostiary.signOut({ everywhere: true });
  assert.equal((await other.refresh()).user, null);
  assert.equal((await ostiary.refresh()).user, null);
});

test("a list is read page by page, as far as its items are taken", async () => {
  const browser = new Browser();
  const root = await signedIn("root@example.org", browser);
  const emails = [];
  for await (const user of root.items("/api/users", { query: { limit: 1 } })) {
    emails.push(user.email);
    if (emails.length === 3) break;
  }
  assert.equal(new Set(emails).size, 3);
  assert.equal(browser.count("GET /api/users"), 3);
  const members = [];
  const path = { languageCode: "de" };
  for await (const member of root.items("/api/languages/{languageCode}/members", { path })) members.push(member.email);
  assert.ok(members.includes("ada@example.org"));
  const ada = await signedIn("ada@example.org");
  assert.equal((await refusal(ada.items("/api/users").next())).code, "forbidden");
});

test("the page to return to is of the same origin, and never of another", async () => {
  const { returnTo } = await import("@ostiary/client");
  const at = (wanted) => returnTo(`https://app.example.org/sign-in?return_to=${encodeURIComponent(wanted)}`, "/home");
  assert.equal(at("https://app.example.org/languages/de?tab=1#top"), "/languages/de?tab=1#top");
  assert.equal(at("/languages"), "/languages");
  assert.equal(returnTo("https://app.example.org/sign-in", "/home"), "/home");
  for (const foreign of [
    "https://evil.example", "//evil.example", "https://app.example.org@evil.example", "javascript:alert(1)", "\\\\evil.example",
    "http://app.example.org/", "https://app.example.org:444/", "https://app.example.org.evil.example/", "data:text/html,x",
  ]) assert.equal(at(foreign), "/home", foreign);
  for (const sly of ["https://app.example.org//evil.example", "/\\/evil.example", "/.//evil.example"]) {
    assert.equal(new URL(at(sly), "https://app.example.org").origin, "https://app.example.org", sly);
  }
});

import assert from "node:assert/strict";
import test from "node:test";
import { createElement as h } from "react";
import { renderToString } from "react-dom/server";
import { OstiaryProvider, SignedIn, SignedOut, UserCan, useCan, useSession } from "@ostiary/client/react";
import { page, signedIn } from "./browser.mjs";

const render = (ostiary, ...children) => renderToString(h(OstiaryProvider, { ostiary }, ...children));
/** What a server renders for the user of a session. */
const renderFor = (session, ...children) => render(page(undefined, { session }), ...children);
const MAY = { action: "translate", subject: "Language", id: "de", fallback: "no", pending: "wait" };
const ada = (await signedIn("ada@example.org")).state().session;
const eve = (await signedIn("eve@example.org")).state().session;
const nobody = await page().session();

test("a server renders what the user may see", () => {
  assert.equal(renderFor(ada, h(UserCan, MAY, "yes")), "yes");
  assert.equal(renderFor(eve, h(UserCan, MAY, "yes")), "no");
  assert.equal(renderFor(nobody, h(UserCan, MAY, "yes")), "no");
});

test("while nothing is known, what is pending is shown, and neither the children nor the fallback", () => {
  assert.equal(render(page(), h(UserCan, MAY, "yes")), "wait");
  assert.equal(render(page(), h(SignedIn, null, "in"), h(SignedOut, null, "out")), "");
});

test("a function is called with whether the user may", () => {
  const button = (can) => h("button", { disabled: !can });
  assert.equal(renderFor(ada, h(UserCan, MAY, button)), "<button></button>");
  assert.equal(renderFor(eve, h(UserCan, MAY, button)), '<button disabled=""></button>');
});

test("without an id the question is about the type, and with a missing id it is denied", () => {
  const { id: _, ...any } = MAY;
  assert.equal(renderFor(ada, h(UserCan, any, "yes")), "yes");
  assert.equal(renderFor(ada, h(UserCan, { ...any, id: undefined }, "yes")), "no");
});

test("hooks tell the session and its rules", () => {
  const Name = () => useSession().session?.user?.name ?? "nobody";
  const Rights = () => `${useCan()("translate", "Language", "de")} ${useCan()("read", "User", "me")}`;
  assert.equal(renderFor(ada, h(Name)), "Ada");
  assert.equal(renderFor(nobody, h(Name)), "nobody");
  assert.equal(renderFor(ada, h(Rights)), "true true");
  assert.equal(renderFor(eve, h(Rights)), "false true");
});

test("who is signed in and who is not see different things", () => {
  const parts = [h(SignedIn, { key: 1 }, "in"), h(SignedOut, { key: 2 }, "out")];
  assert.equal(renderFor(ada, ...parts), "in");
  assert.equal(renderFor(nobody, ...parts), "out");
});

test("a component without a provider says so", () => {
  assert.throws(() => renderToString(h(SignedIn)), /There is no <OstiaryProvider>/);
});

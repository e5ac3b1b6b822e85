import assert from "node:assert/strict";
import test from "node:test";
import { createVerifier } from "@ostiary/client/server";
import { Browser, refusal, SERVICE, signedIn } from "./browser.mjs";

const APP = "https://app.example.org";
const asked = (headers, method = "GET") => new Request(`${APP}/things`, { method, headers });
async function cookieOf(email) {
  const browser = new Browser();
  const ostiary = await signedIn(email, browser);
  return { ostiary, cookie: `auth_session=${browser.jar.get("auth_session")}`, token: browser.jar.get("auth_session") };
}

/** A verifier, and the answers that it got. */
function verifier(options) {
  const answers = [];
  const send = async (input, init) => {
    const response = await fetch(input, init);
    answers.push({ status: response.status, headers: init.headers });
    return response;
  };
  return { verify: createVerifier({ baseUrl: SERVICE, origins: [APP], fetch: send, ...options }), answers };
}

test("a forwarded cookie or bearer token tells who sends a request, and what they may do", async () => {
  const { verify } = verifier();
  const { cookie, token, ostiary } = await cookieOf("ada@example.org");
  for (const headers of [{ Cookie: `theme=dark; ${cookie}` }, { Authorization: `Bearer ${token}` }]) {
    const caller = await verify(asked(headers));
    assert.equal(caller.userId, ostiary.state().session.user.id);
    assert.deepEqual([caller.can("translate", "Language", "de"), caller.can("translate", "Language", "fr")], [true, false]);
  }
});

test("a session that has ended counts no more", async () => {
  const { verify } = verifier();
  const { cookie, ostiary } = await cookieOf("eve@example.org");
  assert.ok(await verify(asked({ Cookie: cookie })));
  await ostiary.signOut();
  assert.equal(await verify(asked({ Cookie: cookie })), null);
});

test("an unchanged session is asked for each time, and answered without a body", async () => {
  const { verify, answers } = verifier();
  const { cookie } = await cookieOf("ada@example.org");
  for (let number = 0; number < 3; number++) assert.ok(await verify(asked({ Cookie: cookie })));
  assert.deepEqual(answers.map(({ status }) => status), [200, 304, 304]);
});

test("the service gets the session cookie alone", async () => {
  const { verify, answers } = verifier();
  const { cookie } = await cookieOf("ada@example.org");
  await verify(asked({ Cookie: `secret_of_the_app=1; ${cookie}; other=2` }));
  assert.equal(answers[0].headers.Cookie, cookie);
  const own = verifier({ cookieName: "door" });
  assert.equal(await own.verify(asked({ Cookie: cookie })), null);
  assert.equal(own.answers.length, 0);
});

test("nobody is anybody without a credential, or with a wrong one", async () => {
  const { verify, answers } = verifier();
  for (const headers of [{}, { Cookie: "theme=dark" }, { Authorization: "Basic YTpi" }, { Authorization: "Bearer a.b.c" }]) {
    assert.equal(await verify(asked(headers)), null);
  }
  assert.equal(answers.length, 0);
  assert.equal(await verify(asked({ Cookie: `auth_session=ost_${"x".repeat(43)}` })), null);
  assert.equal(await verify(asked({ Authorization: `Bearer ost_${"x".repeat(43)}` })), null);
});

test("a cookie counts on a request that changes something only from an own page", async () => {
  const { verify } = verifier();
  const { cookie, token } = await cookieOf("ada@example.org");
  const post = (headers) => verify(asked({ Cookie: cookie, ...headers }, "POST"));
  assert.ok(await post({ Origin: APP }));
  assert.ok(await post({ "Sec-Fetch-Site": "same-origin" }));
  assert.equal(await post({}), null);
  assert.equal(await post({ Origin: "https://evil.example" }), null);
  assert.equal(await post({ Origin: "null" }), null);
  assert.equal(await post({ "Sec-Fetch-Site": "same-site" }), null);
  assert.equal(await post({ "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" }), null);
  assert.ok(await verify(asked({ Authorization: `Bearer ${token}` }, "POST")));
});

test("without an answer of the service nobody is let in", async () => {
  const { cookie } = await cookieOf("ada@example.org");
  const { verify } = verifier({ baseUrl: "http://127.0.0.1:9" });
  assert.ok((await refusal(verify(asked({ Cookie: cookie })))) instanceof Error);
  const failing = verifier({ fetch: async () => new Response("<h1>Bad gateway", { status: 502 }) });
  assert.equal((await refusal(failing.verify(asked({ Cookie: cookie })))).status, 502);
});

test("a token of the service tells who sends a request, at the back end that it is for alone", async () => {
  const { issuer } = await (await fetch(`${SERVICE}/.well-known/openid-configuration`)).json();
  const audience = "https://reports.example.org";
  const { ostiary } = await cookieOf("ada@example.org");
  const { token } = await ostiary.unwrap(ostiary.api.POST("/api/session/token", { body: { audience } }));
  const request = () => asked({ Authorization: `Bearer ${token}` }, "POST");
  const caller = await verifier({ audience, issuer }).verify(request());
  const { user, session } = ostiary.state().session;
  assert.deepEqual([caller.by, caller.userId, caller.claims.sid], ["token", user.id, session.id]);
  assert.deepEqual([...caller.claims.roles.de].sort(), ["admin", "translator"]);
  assert.equal(await verifier({ audience: "https://billing.example.org", issuer }).verify(request()), null);
  assert.equal(await verifier({ audience, issuer: "https://id.example.org" }).verify(request()), null);
  assert.equal(await verifier().verify(request()), null);
});

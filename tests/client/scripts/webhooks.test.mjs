import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import test from "node:test";
import { verifyWebhook, WebhookError } from "@ostiary/client/server";
import { refusal } from "./browser.mjs";

const BODY = '{"type": "user.created", "data": {"name": "Zoë"}}';
const bytes = randomBytes(32);
const SECRET = `whsec_${bytes.toString("base64")}`;
const pair = generateKeyPairSync("ed25519");
const PUBLIC = `whpk_${Buffer.from(pair.publicKey.export({ format: "jwk" }).x, "base64url").toString("base64")}`;
const now = () => String(Math.floor(Date.now() / 1000));
const v1 = (text, key = bytes) => `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
const v1a = (text) => `v1a,${sign(null, Buffer.from(text), pair.privateKey).toString("base64")}`;

function message({ id = "msg_1", timestamp = now(), body = BODY, by = v1, signature } = {}) {
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature ?? by(`${id}.${timestamp}.${body}`) };
  return new Request("https://app.example.org/hooks", { method: "POST", headers, body });
}

test("a message is verified by secret and by public key", async () => {
  for (const [by, secret] of [[v1, SECRET], [v1a, PUBLIC]]) {
    const { id, payload, sentAt } = await verifyWebhook(message({ by }), secret);
    assert.deepEqual([id, payload.data.name], ["msg_1", "Zoë"]);
    assert.ok(Date.now() - sentAt < 10_000);
  }
});

test("the vector of the specification is verified", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1614265330_000 });
  const headers = new Headers({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  assert.deepEqual((await verifyWebhook({ headers, body: '{"test": 2432232314}' }, secret)).payload, { test: 2432232314 });
});

test("one of several signatures and secrets is enough", async () => {
  const text = `msg_1.${now()}.${BODY}`;
  const signature = `v1,AAAA ${v1(text, randomBytes(32))} v2,x nonsense ${v1(text)}`;
  const old = `whsec_${randomBytes(24).toString("base64")}`;
  assert.ok(await verifyWebhook(message({ signature }), [old, PUBLIC, SECRET]));
  assert.ok(await verifyWebhook({ headers: message().headers, body: Buffer.from(BODY) }, SECRET));
});

const FORGED = {
  "another body": () => new Request(message(), { body: BODY.replace("Zoë", "Eve"), method: "POST" }),
  "another id": () => message({ id: "msg_2", signature: v1(`msg_1.${now()}.${BODY}`) }),
  "another time": () => message({ timestamp: String(+now() - 1), signature: v1(`msg_1.${now()}.${BODY}`) }),
  "another secret": () => message({ by: (text) => v1(text, randomBytes(32)) }),
  "an empty secret": () => message({ by: (text) => v1(text, "") }),
  "the public key as a secret": () => message({ by: (text) => v1(text, Buffer.from(PUBLIC.slice(5), "base64")) }),
  "HMAC as v1a": () => message({ by: (text) => v1(text).replace("v1,", "v1a,") }),
  "no version": () => message({ by: (text) => v1(text).slice(3) }),
  "no signature": () => message({ signature: "v1," }),
  "no base64": () => message({ signature: "v1,%%%" }),
  "no comma": () => message({ signature: "v1" }),
  "an old message": () => message({ timestamp: String(+now() - 301) }),
  "a message of the future": () => message({ timestamp: String(+now() + 302) }),
  "a time that is no number": () => message({ timestamp: "now" }),
  "a time that is no whole number": () => message({ timestamp: `${now()}.0` }),
  "a time in milliseconds": () => message({ timestamp: String(Date.now()) }),
  "a body that is no JSON": () => message({ body: "hello" }),
};
for (const [name, forged] of Object.entries(FORGED)) {
  test(`a message with ${name} is refused`, async () => {
    assert.ok((await refusal(verifyWebhook(forged(), [SECRET, PUBLIC]))) instanceof WebhookError);
  });
}
for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
  test(`a message without ${name} is refused`, async () => {
    const { headers } = message();
    headers.delete(name);
    assert.ok((await refusal(verifyWebhook({ headers, body: BODY }, SECRET))) instanceof WebhookError);
  });
}

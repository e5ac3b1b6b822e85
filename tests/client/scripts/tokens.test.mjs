// Tokens that the test signs itself, with the keys of an issuer of the test, and forgeries of them.
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import test, { after } from "node:test";
import { createVerifier } from "@ostiary/client/server";
import { refusal } from "./browser.mjs";

const AUDIENCE = "https://reports.example.org";
const encoded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const ed25519 = generateKeyPairSync("ed25519");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const foreign = generateKeyPairSync("ed25519");
const foreignP256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = (pair, kid, alg) => ({ ...pair.publicKey.export({ format: "jwk" }), kid, use: "sig", alg });
let keys = [jwk(ed25519, "one", "EdDSA"), jwk(p256, "two", "ES256"), { ...jwk(rsa, "rsa", "RS256") }];
let reads = 0;
const server = createServer((_, response) => ((reads += 1), response.end(JSON.stringify({ keys }))));
await once(server.listen(0, "127.0.0.1"), "listening");
after(() => (server.closeAllConnections(), server.close()));
const ISSUER = `http://127.0.0.1:${server.address().port}`;
const newVerifier = (options) => createVerifier({ baseUrl: ISSUER, audience: AUDIENCE, ...options });

const now = () => Math.floor(Date.now() / 1000);
const claims = (changed = {}) => ({
  iss: ISSUER, sub: randomUUID(), sid: randomUUID(), aud: AUDIENCE, iat: now(), exp: now() + 60, jti: randomUUID(),
  platform_role: null, roles: { de: ["translator"] }, ...changed,
});
const without = (name) => { const { [name]: _, ...rest } = claims(); return rest; };
const HEADER = { alg: "EdDSA", kid: "one", typ: "JWT" };
const signers = {
  EdDSA: (text, pair = ed25519) => sign(null, text, pair.privateKey),
  ES256: (text, pair = p256) => sign("sha256", text, { key: pair.privateKey, dsaEncoding: "ieee-p1363" }),
};
/** A token; `signer` gets the text to sign. */
function token(header = HEADER, payload = claims(), signer = signers[header.alg]) {
  const text = `${encoded(header)}.${encoded(payload)}`;
  return `${text}.${signer(Buffer.from(text)).toString("base64url")}`;
}
const asked = (text) => new Request("https://reports.example.org/", { headers: { Authorization: `Bearer ${text}` } });
const header = (changed) => ({ ...HEADER, ...changed });
const es256 = header({ alg: "ES256", kid: "two" });
const pem = (pair) => pair.publicKey.export({ format: "pem", type: "spki" });
const raw = (pair) => Buffer.from(pair.publicKey.export({ format: "jwk" }).x, "base64url");
const hmac = (key, hash = "sha256") => (text) => createHmac(hash, key).update(text).digest();

test("a good token tells its claims, of both algorithms, without asking the service again", async () => {
  const verify = newVerifier();
  reads = 0;
  for (const head of [HEADER, es256, HEADER]) {
    const payload = claims();
    const caller = await verify(asked(token(head, payload)));
    assert.deepEqual(caller, { by: "token", userId: payload.sub, claims: payload });
  }
  assert.equal(reads, 1);
});

function forgeries() {
  const good = token();
  const [head, body, signature] = good.split(".");
  const other = token(HEADER, claims());
  const flipped = (part, at) => part.slice(0, at) + (part[at] === "A" ? "B" : "A") + part.slice(at + 1);
  const times = (changed) => token(HEADER, claims(changed));
  const zero = () => Buffer.alloc(64);
  return {
    "no signature": `${head}.${body}.`,
    "no signature and no dot": `${head}.${body}`,
    "four parts": `${good}.${signature}`,
    "five parts, as an encrypted token": `${good}.${signature}.${signature}`,
    "empty parts": "..",
    "signature of another token": `${head}.${body}.${other.split(".")[2]}`,
    "claims of another token": `${head}.${other.split(".")[1]}.${signature}`,
    "changed signature": `${head}.${body}.${flipped(signature, 5)}`,
    "changed claims": `${head}.${flipped(body, 30)}.${signature}`,
    "changed header": `${flipped(head, 3)}.${body}.${signature}`,
    "signature with another last character that decodes alike": `${good.slice(0, -1)}${{ A: "B", Q: "R", g: "h", w: "x" }[good.at(-1)]}`,
    "padded signature": `${good}==`,
    "signature of base64 instead of base64url": `${head}.${body}.${Buffer.from(signature, "base64url").toString("base64")}`,
    "short signature": `${head}.${body}.${signature.slice(0, 40)}`,
    "long signature": `${head}.${body}.${signature}${signature}`,
    "zero signature": token(HEADER, claims(), zero),
    "zero signature of ES256 (CVE-2022-21449)": token(es256, claims(), zero),
    "ES256 signature in DER": token(es256, claims(), (text) => sign("sha256", text, p256.privateKey)),
    "white space in the token": `${head}. ${body}.${signature}`,
    "very long token": token(HEADER, claims({ pad: "x".repeat(9000) })),
    "alg none": `${encoded(header({ alg: "none" }))}.${body}.`,
    "alg none with the signature": `${encoded(header({ alg: "none" }))}.${body}.${signature}`,
    "alg None": `${encoded(header({ alg: "None" }))}.${body}.`,
    "alg NONE": `${encoded(header({ alg: "NONE" }))}.${body}.`,
    "alg nOnE and no kid": `${encoded({ alg: "nOnE", typ: "JWT" })}.${body}.`,
    "no alg": token({ kid: "one", typ: "JWT" }, claims(), signers.EdDSA),
    "alg of another case": token(header({ alg: "eddsa" }), claims(), signers.EdDSA),
    "alg Ed25519, which the key does not name": token(header({ alg: "Ed25519" }), claims(), signers.EdDSA),
    "alg that is a list": token(header({ alg: ["EdDSA"] }), claims(), signers.EdDSA),
    "alg that is null": token(header({ alg: null }), claims(), signers.EdDSA),
    "alg constructor": token(header({ alg: "constructor" }), claims(), signers.EdDSA),
    "HS256 with the public key in PEM": token(header({ alg: "HS256" }), claims(), hmac(pem(ed25519))),
    "HS256 with the public key in raw bytes": token(header({ alg: "HS256" }), claims(), hmac(raw(ed25519))),
    "HS256 with the public key as its x": token(header({ alg: "HS256" }), claims(), hmac(jwk(ed25519).x)),
    "HS256 with the public key of ES256": token(header({ alg: "HS256", kid: "two" }), claims(), hmac(pem(p256))),
    "HS256 with the key as JSON": token(header({ alg: "HS256" }), claims(), hmac(JSON.stringify(keys[0]))),
    "HS512 with the public key": token(header({ alg: "HS512" }), claims(), hmac(pem(ed25519), "sha512")),
    "HS256 with an empty key": token(header({ alg: "HS256" }), claims(), hmac("")),
    "EdDSA in the header, HMAC in the signature": token(HEADER, claims(), hmac(raw(ed25519), "sha512")),
    "ES256 with the kid of EdDSA": token(header({ alg: "ES256" }), claims(), signers.ES256),
    "EdDSA with the kid of ES256": token(header({ kid: "two" }), claims(), signers.EdDSA),
    "RS256 with a published RSA key": token(header({ alg: "RS256", kid: "rsa" }), claims(), (text) => sign("sha256", text, rsa.privateKey)),
    "EdDSA with the kid of an RSA key": token(header({ kid: "rsa" }), claims(), signers.EdDSA),
    "key of another instance": token(HEADER, claims(), (text) => signers.EdDSA(text, foreign)),
    "ES256 key of another instance": token(es256, claims(), (text) => signers.ES256(text, foreignP256)),
    "kid and key of another instance": token(header({ kid: "foreign" }), claims(), (text) => signers.EdDSA(text, foreign)),
    "key in the header (jwk)": token(header({ jwk: jwk(foreign, "one", "EdDSA") }), claims(), (text) => signers.EdDSA(text, foreign)),
    "key in the header, without kid": token({ alg: "EdDSA", typ: "JWT", jwk: jwk(foreign, "x", "EdDSA") }, claims(), (text) => signers.EdDSA(text, foreign)),
    "address of keys in the header (jku)": token(header({ kid: "x", jku: `${ISSUER}/evil` }), claims(), (text) => signers.EdDSA(text, foreign)),
    "no kid": token({ alg: "EdDSA", typ: "JWT" }),
    "empty kid": token(header({ kid: "" })),
    "kid that is a number": token(header({ kid: 1 })),
    "kid that is a path": token(header({ kid: "../../dev/null" }), claims(), hmac("")),
    "kid __proto__": token(header({ kid: "__proto__" })),
    "kid with SQL": token(header({ kid: "one' OR '1'='1" })),
    "no typ": token({ alg: "EdDSA", kid: "one" }),
    "typ of another kind of token": token(header({ typ: "at+jwt" })),
    "typ of a logout token": token(header({ typ: "logout+jwt" })),
    "typ that is a list": token(header({ typ: ["JWT"] })),
    "critical extension": token(header({ crit: ["exp"] })),
    "critical extension b64": token(header({ crit: ["b64"], b64: false })),
    "header that is a list": token([HEADER], claims(), signers.EdDSA),
    "header that is null": token(null, claims(), signers.EdDSA.bind(null)),
    "header that is not JSON": `${encoded("EdDSA")}.${body}.${signature}`,
    "claims that are not JSON": token(HEADER, "not JSON"),
    "claims that are a list": token(HEADER, [claims()]),
    "claims that are null": token(HEADER, "null"),
    "claims that are not UTF-8": token(HEADER, "x", signers.EdDSA).replace(encoded("x"), Buffer.from([0xff, 0xfe]).toString("base64url")),
    "no iss": token(HEADER, without("iss")),
    "iss of another instance": times({ iss: "https://id.example.com" }),
    "iss with a slash more": times({ iss: `${ISSUER}/` }),
    "iss that is a list": times({ iss: [ISSUER] }),
    "no aud": token(HEADER, without("aud")),
    "aud of another back end": times({ aud: "https://billing.example.org" }),
    "aud that begins alike": times({ aud: `${AUDIENCE}.evil.example` }),
    "aud with other ones": times({ aud: [AUDIENCE, "https://billing.example.org"] }),
    "aud that is empty": times({ aud: "" }),
    "no exp": token(HEADER, without("exp")),
    "exp in the past": times({ iat: now() - 70, exp: now() - 10 }),
    "exp now": times({ exp: now() }),
    "exp that is text": times({ exp: String(now() + 60) }),
    "exp that is null": times({ exp: null }),
    "exp in milliseconds": times({ exp: Date.now() + 60_000 }),
    "exp in a year": times({ exp: now() + 31_536_000 }),
    "exp that is infinite": token(HEADER, JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999')),
    "no iat": token(HEADER, without("iat")),
    "iat in the future": times({ iat: now() + 30, exp: now() + 60 }),
    "iat that is text": times({ iat: String(now()) }),
    "nbf in the future": times({ nbf: now() + 30 }),
    "nbf that is text": times({ nbf: "0" }),
    "no sub": token(HEADER, without("sub")),
    "sub that is empty": times({ sub: "" }),
    "sub that is a number": times({ sub: 7 }),
    "no sid": token(HEADER, without("sid")),
    "no jti": token(HEADER, without("jti")),
    "a session token": `ost_${"x".repeat(43)}.a.b`,
  };
}

test("forged tokens are refused", async (t) => {
  const verify = newVerifier();
  const forged = Object.entries(forgeries());
  assert.ok(forged.length >= 60);
  const accepted = [];
  for (const [name, text] of forged) {
    if ((await verify(asked(text))) !== null) accepted.push(name);
  }
  assert.deepEqual(accepted, []);
  assert.ok(await verify(asked(token())), "the verifier accepts a good one afterwards");
  t.diagnostic(`${forged.length} forged tokens`);
});

test("without an audience no token is accepted", async () => {
  assert.equal(await newVerifier({ audience: undefined })(asked(token())), null);
  assert.equal(await newVerifier({ issuer: "https://id.example.org" })(asked(token())), null);
});

test("the keys are read again for an unknown kid, but not for each of many", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const verify = newVerifier();
  assert.ok(await verify(asked(token())));
  reads = 0;
  const next = generateKeyPairSync("ed25519");
  keys = [...keys, jwk(next, "next", "EdDSA")];
  const signed = () => token(header({ kid: "next" }), claims(), (text) => signers.EdDSA(text, next));
  for (let number = 0; number < 20; number++) assert.equal(await verify(asked(signed())), null);
  assert.equal(reads, 0);
  t.mock.timers.tick(61_000);
  assert.ok(await verify(asked(signed())));
  assert.equal(reads, 1);
});

test("a key that is no longer published counts for 5 minutes at most", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const verify = newVerifier();
  assert.ok(await verify(asked(token())));
  keys = keys.filter(({ kid }) => kid !== "one");
  t.mock.timers.tick(301_000);
  assert.equal(await verify(asked(token())), null);
  keys = [jwk(ed25519, "one", "EdDSA"), ...keys];
});

test("without the keys of the issuer no token is accepted", async () => {
  const away = newVerifier({ fetch: async () => { throw new TypeError("away"); } });
  assert.equal((await refusal(away(asked(token())))).message, "away");
  const broken = newVerifier({ fetch: async () => new Response("", { status: 500 }) });
  assert.ok((await refusal(broken(asked(token())))) instanceof Error);
});


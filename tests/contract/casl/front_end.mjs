// Runs the module of docs/front-ends.md as a browser would: with a cookie jar, an origin and a location. Arguments: the
// module, the URL of the service, the folder of its mails. Prints what happens.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [file, service, mails] = process.argv.slice(2);
const email = "ada@example.org";
const page = `${service}/languages/de`;
const jar = new Map();
let staleOnce = null;

const fetchOfNode = globalThis.fetch;
globalThis.fetch = async (url, options) => {
  const cookies = staleOnce ?? [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  staleOnce = null;
  const headers = { ...options.headers, Origin: service, Cookie: cookies, "Accept-Language": "de" };
  const response = await fetchOfNode(url, { ...options, headers });
  for (const line of response.headers.getSetCookie()) {
    const [pair, ...attributes] = line.split("; ");
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    // Cookies of parent domains are cleared, and never set.
    if (attributes.some((one) => one.startsWith("Domain="))) continue;
    attributes.includes("Max-Age=0") ? jar.delete(name) : jar.set(name, value);
  }
  return response;
};
const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
define("navigator", { language: "de-AT" });
define("location", { href: page, pathname: "/redeem", hash: "" });
define("history", { replaceState: (_state, _title, path) => define("cleared", path) });

const names = () => (existsSync(mails) ? readdirSync(mails).filter((name) => name.endsWith(".eml")).sort() : []);
async function mailOf(ask) {
  const before = names().length;
  const asked = await ask();
  while (names().length === before) await new Promise((resolve) => setTimeout(resolve, 50));
  return { asked, mail: readFileSync(join(mails, names().at(-1)), "utf8") };
}
const codeIn = (mail) => mail.match(/^[0-9]{8}\r?$/m)[0].trim();
const refused = async (promise) => promise.then(() => null, (error) => error);

const app = await import(file);
const told = {};
told.config = [app.config.signInMethods.includes("code"), app.config.signUp, app.config.lifetimes.codes.sign_in];
told.anonymous = (await app.whoAmI()).user;

const { asked, mail } = await mailOf(() => app.askForCode(email));
told.asked = [asked.resendAfter, asked.expiresIn, jar.get("auth_flow_sign_in") === asked.flow];
told.mailIsGerman = /Content-Language: de/.test(mail);
const wrong = await refused(app.signInWithCode(email, codeIn(mail) === "00000000" ? "11111111" : "00000000"));
told.wrong = [wrong.problem.code, wrong.problem.params.triesLeft, app.textsOf(wrong).text.slice(0, 24)];
const signedIn = await app.signInWithCode(email, codeIn(mail));
told.signedIn = [signedIn.user.email, signedIn.returnTo === page];

const session = await app.whoAmI();
const ability = app.abilityOf(session);
const [item] = (await (await app.call("GET", "/api/sessions")).json()).items;
told.ability = [
  ability.seesUsers, ability.translates("de"), ability.translates("fr"), ability.endsSession(item),
  ability.changesOwnName, app.abilityOf({ user: null, rules: [] }).changesOwnName,
];
const invalid = await refused(app.call("PATCH", "/api/users/me", { body: { name: "" } }));
told.fields = app.textsOf(invalid).fields;

const first = await app.save("de", "home/title", "Willkommen");
const loaded = await app.load("de", "home/title");
const second = await app.save("de", "home/title", "Servus", loaded.etag);
const conflict = await refused(app.save("de", "home/title", "Hallo", first));
const { version, updatedByName } = conflict.problem.current;
told.versions = [first, second, conflict.problem.code, version, updatedByName];
told.merged = await app.save("de", "home/title", "Hallo", `"${version}"`);
const missing = await refused(app.save("de", "home/none", "Hallo", '"1"'));
told.missing = [missing.problem.code, missing.problem.current];
told.unsaid = (await refused(app.call("PUT", "/api/languages/de/translations/x", { body: { text: "x" } }))).message;

const before = `auth_session=${jar.get("auth_session")}`;
const again = await mailOf(() => app.askForCode(email));
await app.proveByCode(codeIn(again.mail));
staleOnce = before;
told.readsWithTheOld = (await app.whoAmI()).user?.email;
staleOnce = before;
told.savedAfterRenewal = await app.save("de", "home/title", "Grüß Gott", told.merged);
staleOnce = before;
const once = await refused(app.call("PATCH", "/api/users/me", { body: { name: "Ada" }, again: false }));
told.replaced = once.problem.code;

const link = await mailOf(() => app.askForCode(email));
define("location", { href: page, pathname: "/redeem", hash: `#token=${link.mail.match(/^osk_\S+/m)[0]}` });
const opened = await app.openLink();
told.link = [opened.purpose, opened.needs, opened.optional, globalThis.cleared];
told.redeemed = (await app.redeem(opened.token, {})).user.email;
await app.signOut();
told.ended = (await app.whoAmI()).user;
told.needsSession = (await refused(app.call("GET", "/api/sessions"))).message;
console.log(JSON.stringify(told));

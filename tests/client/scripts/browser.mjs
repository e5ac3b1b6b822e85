// What a browser does for a page: cookies, the origin, and the language.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { createOstiary } from "@ostiary/client";

export const SERVICE = process.env.SERVICE;
export const SECRET = process.env.SECRET;

/** A browser, whose `fetch` has a cookie jar, and notes each request. */
export class Browser {
  requests = [];
  /** How long the next request is on its way, with the cookies that the browser has now. */
  slow = 0;

  constructor(jar = new Map()) {
    this.jar = jar;
  }

  fetch = async (input, options) => {
    const request = new Request(input, options);
    const { pathname } = new URL(request.url);
    this.requests.push(`${request.method} ${pathname}`);
    request.headers.set("Origin", SERVICE);
    request.headers.set("Accept-Language", "de");
    const cookies = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    if (cookies && !request.headers.has("Cookie")) request.headers.set("Cookie", cookies);
    const slow = this.slow;
    this.slow = 0;
    await setTimeout(slow);
    const response = await fetch(request);
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split("; ");
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      if (attributes.some((one) => one.startsWith("Domain="))) continue; // those of parent domains are only cleared
      attributes.includes("Max-Age=0") ? this.jar.delete(name) : this.jar.set(name, value);
    }
    return response;
  };

  /** How often this was requested, such as `GET /api/session`. */
  count = (request) => this.requests.filter((one) => one === request).length;
}

/** A page of a browser. */
export const page = (browser = new Browser(), options = {}) =>
  createOstiary({ baseUrl: SERVICE, fetch: browser.fetch, ...options });

/** A page in which somebody has signed in by password. */
export async function signedIn(email, browser = new Browser(), options = {}) {
  const ostiary = page(browser, options);
  await ostiary.signIn({ method: "password", email, secret: SECRET });
  return ostiary;
}

/** The next mail to an address after `ask`. */
export async function mailAfter(email, ask) {
  const mails = () => (existsSync(process.env.MAILS) ? readdirSync(process.env.MAILS) : []);
  const before = new Set(mails());
  await ask();
  for (const until = Date.now() + 20_000; Date.now() < until; ) {
    for (const name of mails().filter((name) => name.endsWith(".eml") && !before.has(name))) {
      const text = readFileSync(`${process.env.MAILS}/${name}`, "utf8");
      if (text.toLowerCase().includes(`to: ${email}`)) return text;
    }
    await setTimeout(50);
  }
  throw new Error(`no mail to ${email}`);
}
export const codeIn = (mail) => mail.match(/^[0-9]{8}\r?$/m)[0].trim();
export const tokenIn = (mail) => mail.match(/^osk_\S+/m)[0];

/** What a promise is rejected with. */
export const refusal = (promise) =>
  promise.then(
    () => { throw new Error("was not refused"); },
    (error) => error,
  );

const stale = process.env.STALE.split(",");
/** A browser in which stale@example.org has proved who they are an hour ago. */
export function staleBrowser() {
  const browser = new Browser();
  browser.jar.set("auth_session", stale.pop());
  return browser;
}
